import type { Home } from '../home.ts';
import { feedName } from '../supervise/installation.ts';
import { checkConfig, configFile } from './check-config.ts';
import { checkDatabase } from './check-database.ts';
import { checkHome } from './check-home.ts';
import { ok, type Finding } from './finding.ts';

/**
 * What a start needs, looked at by `up` and by `doctor` alike.
 *
 * @param options.databaseUrl Null: Banyan starts one of its own. Default: `DATABASE_URL`.
 * @param options.tables That slices copy; default those of the configuration. None where they are made later.
 */
export async function checkEnvironment(options: {
  readonly home: Home;
  readonly databaseUrl?: string | null;
  readonly tables?: readonly string[];
}): Promise<readonly Finding[]> {
  const { home, databaseUrl = process.env['DATABASE_URL'] || null } = options;
  const { finding, tables } = await checkConfig(configFile());
  const database =
    databaseUrl === null
      ? [ok('database', 'Banyan starts a PostgreSQL of its own (DATABASE_URL is not set)')]
      : await checkDatabase({
          url: databaseUrl,
          feed: feedName(home) ?? '',
          tables: options.tables ?? tables,
        });
  return [checkHome(home), finding, ...database];
}

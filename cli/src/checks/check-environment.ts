import type { Home } from '../home.ts';
import { feedName } from '../supervise/installation.ts';
import { checkConfig, configFile } from './check-config.ts';
import { checkDatabase } from './check-database.ts';
import { checkHome } from './check-home.ts';
import { ok, problem, type Finding } from './finding.ts';

interface EnvironmentOptions {
  readonly home: Home;
  /** Null: Banyan starts one of its own, or there is none. Default: `DATABASE_URL`. */
  readonly databaseUrl?: string | null;
  /** Whose tables they are: those of the sample shop are made later. Default `own` with a database or MONOLITH_URL. */
  readonly monolith?: 'own' | 'sample-shop';
}

/**
 * What a start needs, looked at by `up` and by `doctor` alike.
 */
export async function checkEnvironment(options: EnvironmentOptions): Promise<readonly Finding[]> {
  const { home, databaseUrl = process.env['DATABASE_URL'] || null } = options;
  const isGiven = databaseUrl !== null || Boolean(process.env['MONOLITH_URL']);
  const { monolith = isGiven ? 'own' : 'sample-shop' } = options;
  const { finding, tables } = await checkConfig(configFile());
  return [checkHome(home), finding, ...(await lookAtDatabase())];

  async function lookAtDatabase(): Promise<readonly Finding[]> {
    if (databaseUrl !== null) {
      const wanted = monolith === 'own' ? tables : [];
      return await checkDatabase({ url: databaseUrl, feed: feedName(home) ?? '', tables: wanted });
    }
    if (monolith === 'sample-shop') {
      return [ok('database', 'Banyan starts a PostgreSQL of its own (DATABASE_URL is not set)')];
    }
    const remedy = 'DATABASE_URL=postgres://user:password@host:5432/database, the database of MONOLITH_URL';
    return tables.length === 0
      ? [ok('database', 'none is needed: no slice copies a table')]
      : [problem('database', `DATABASE_URL is not set, and slices copy ${tables.join(', ')}`, remedy)];
  }
}

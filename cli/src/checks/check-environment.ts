import type { Declaration } from '../config/declared.ts';
import { configFile, type Home } from '../home.ts';
import { feedName } from '../supervise/installation.ts';
import { checkConfig } from './check-config.ts';
import { checkDatabase } from './check-database.ts';
import { checkHome } from './check-home.ts';
import { ok, problem, type Finding } from './finding.ts';

interface EnvironmentOptions {
  readonly home: Home;
  /** The sample may have the database of DATABASE_URL. */
  readonly sample?: boolean;
}

/** What a start needs, looked at by `up` and by `doctor` alike. */
export async function checkEnvironment({ home, sample = false }: EnvironmentOptions): Promise<{
  readonly findings: readonly Finding[];
  /** Null when it cannot be read, which is one of the findings. */
  readonly declaration: Declaration | null;
}> {
  const { findings, declaration } = await checkConfig(configFile(), { sample });
  const ofDatabase = declaration === null ? [] : await lookAtDatabase(declaration, home);
  return { findings: [checkHome(home), ...findings, ...ofDatabase], declaration };
}

async function lookAtDatabase(
  { database, config, monolith }: Declaration,
  home: Home,
): Promise<readonly Finding[]> {
  const tables = [...new Set(config.slices.flatMap((slice) => slice.tables.map(({ source }) => source)))];
  if (database?.kind === 'given') {
    // A monolith that we start may make its tables then.
    const wanted = monolith.running.kind === 'urls' ? tables : [];
    return checkDatabase({ url: database.url, feed: feedName(home) ?? '', tables: wanted });
  }
  if (database?.kind === 'made') return [ok('database', 'Banyan starts a PostgreSQL of its own')];
  const remedy = "say in banyan.config.ts: source: { url: fromEnv('SOURCE_URL') }, the monolith's database";
  return tables.length === 0
    ? [ok('database', 'none is needed: no slice copies a table')]
    : [problem('database', `no source is given, and slices copy ${tables.join(', ')}`, remedy)];
}

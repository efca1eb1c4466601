/**
 * Runs a command with a database: `node postgres/src/main.ts --dir DIR -- COMMAND...`.
 * With DATABASE_URL set the command gets just that; otherwise a PostgreSQL is started in DIR for it,
 * and stopped when the command ends.
 */
import { spawn } from 'node:child_process';
import { parseArgs } from 'node:util';
import pg from 'pg';
import { startCluster, type RunningCluster } from './cluster.ts';

const USAGE = 'usage: node postgres/src/main.ts [--dir DIR] [--database NAME] -- COMMAND [ARGUMENT...]';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    dir: { type: 'string', default: '.banyan/postgres-alone' },
    database: { type: 'string', default: 'monolith' },
  },
});
const [command, ...args] = positionals;
if (!command) {
  console.error(USAGE);
  process.exit(2);
}

async function createDatabase(cluster: RunningCluster, name: string): Promise<string> {
  const client = new pg.Client(cluster.adminUrl);
  await client.connect();
  try {
    const { rowCount } = await client.query('SELECT 1 FROM pg_database WHERE datname = $1', [name]);
    if (rowCount === 0) await client.query(`CREATE DATABASE ${pg.escapeIdentifier(name)}`);
  } finally {
    await client.end();
  }
  const url = new URL(cluster.adminUrl);
  url.pathname = `/${name}`;
  return url.href;
}

const given = process.env['DATABASE_URL'];
const cluster = given ? null : await startCluster({ dir: values.dir });
const databaseUrl = given ?? (cluster ? await createDatabase(cluster, values.database) : '');
const child = spawn(command, args, { stdio: 'inherit', env: { ...process.env, DATABASE_URL: databaseUrl } });
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => child.kill(signal));
const code = await new Promise<number>((resolve) => {
  child.once('error', (cause) => {
    console.error(`Cannot run ${command}: ${cause.message}`);
    resolve(127);
  });
  child.once('exit', (exitCode, signal) => resolve(exitCode ?? (signal ? 130 : 1)));
});
await cluster?.close();
process.exitCode = code;

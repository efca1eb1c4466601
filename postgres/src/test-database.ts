import { randomBytes } from 'node:crypto';
import pg from 'pg';

export interface TestDatabase {
  /** Superuser's URL of a new, empty database. */
  readonly url: string;
  readonly name: string;
  /** Drops the database and the replication slots in it. */
  drop(): Promise<void>;
}

/** The server of this jest worker, among those that the global set-up started (`TEST_POSTGRES_URLS`). */
function serverUrl(): string {
  const urls = (process.env['TEST_POSTGRES_URLS'] ?? '').split(' ');
  const url = urls[Number(process.env['JEST_WORKER_ID'] ?? 1) - 1];
  if (!url) throw new Error('TEST_POSTGRES_URLS is not set: run the tests by `npm run jest -- FILE`.');
  return url;
}

/** A new, empty database in the server of this worker. Each test file takes its own. */
export async function createTestDatabase(label: string): Promise<TestDatabase> {
  const adminUrl = serverUrl();
  const name = `${label.replaceAll(/[^a-z0-9]/g, '_')}_${randomBytes(4).toString('hex')}`;
  const admin = async (...statements: string[]): Promise<void> => {
    const client = new pg.Client(adminUrl);
    await client.connect();
    try {
      for (const statement of statements) await client.query(statement);
    } finally {
      await client.end();
    }
  };
  await admin(`CREATE DATABASE ${name}`);
  const url = new URL(adminUrl);
  url.pathname = `/${name}`;
  return {
    url: url.href,
    name,
    async drop() {
      await admin(
        `SELECT pg_terminate_backend(active_pid) FROM pg_replication_slots WHERE database = '${name}' AND active`,
        `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '${name}'`,
      );
      // The walsender needs a moment to let go of its slot after it was told to end.
      for (let attempt = 0; ; attempt += 1) {
        try {
          await admin(
            `SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE database = '${name}'`,
            `DROP DATABASE ${name} WITH (FORCE)`,
          );
          return;
        } catch (cause) {
          if (attempt >= 50) throw cause;
          await new Promise((resolve) => setTimeout(resolve, 100));
        }
      }
    },
  };
}

import createKnex from 'knex';
import { migrationSource } from '../../../migrations/monolith/index.ts';

/** Any constant will do, as long as every shop of this database uses the same. */
const MIGRATION_LOCK = 7_310_001;
const LOCK_TIMEOUT_MS = 60_000;

/**
 * Brings the schema up to date; does nothing when it is. Several processes may call it at once: one works, the
 * others wait (up to a minute) and then find nothing to do.
 * @returns names of the migrations that this call ran.
 */
export async function migrate(databaseUrl: string): Promise<readonly string[]> {
  const knex = createKnex({
    client: 'pg',
    connection: { connectionString: databaseUrl, connectionTimeoutMillis: 5_000 },
    pool: { min: 0, max: 2 },
  });
  try {
    return await knex.transaction(async (guard) => {
      await guard.raw(`SET LOCAL lock_timeout = '${LOCK_TIMEOUT_MS}ms'`);
      await guard.raw('SELECT pg_advisory_xact_lock(?)', [MIGRATION_LOCK]);
      // Knex's own lock is a row: a process killed while migrating leaves it behind for ever. Under the
      // advisory lock, which ends with its connection, nobody else can be migrating, so a held row is stale.
      await knex.migrate.forceFreeMigrationsLock({ migrationSource });
      const [, ran] = (await knex.migrate.latest({ migrationSource })) as [number, string[]];
      return ran;
    });
  } finally {
    await knex.destroy();
  }
}

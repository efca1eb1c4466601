import { createPostgresApplyStore } from '@banyan/cdc/apply';
import createKnex, { type Knex } from 'knex';
import type { OpenStore } from './store.ts';

/** Longest wait for a connection, milliseconds. */
const WAIT_TIMEOUT_MS = 5_000;
/** Longest that one answer's statement may take, milliseconds. */
const READ_TIMEOUT_MS = 15_000;
const WRITERS = 4; // one applies; verification and reports take the others
const READERS = 8;

function openPool(url: string, pool: { readonly max: number; readonly settings: object }): Knex {
  return createKnex({
    client: 'pg',
    connection: { connectionString: url, connectionTimeoutMillis: WAIT_TIMEOUT_MS, ...pool.settings },
    acquireConnectionTimeout: WAIT_TIMEOUT_MS,
    pool: { min: 0, max: pool.max },
    log: { warn: () => undefined }, // knex prints what it also throws
  });
}

/** All of it, knex's own lock included, is one transaction: whoever is killed in between leaves nothing behind. */
async function migrate(knex: Knex, migrationSource: Knex.MigrationSource<string>): Promise<void> {
  await knex.transaction(async (transaction) => {
    await transaction.raw(`SELECT pg_advisory_xact_lock(hashtextextended('knex_migrations', 0))`);
    await transaction.migrate.latest({ migrationSource });
  });
}

/**
 * A store in a PostgreSQL database, in the schema that the address' search path names.
 *
 * @throws the driver's error when the database cannot be reached, or its schema not be brought up to date.
 */
export async function openPostgresStore(options: {
  readonly url: string;
  readonly migrationSource: Knex.MigrationSource<string>;
  readonly slice: string;
}): Promise<OpenStore> {
  const { url, migrationSource, slice } = options;
  const name = `banyan-${slice}`;
  const writer = openPool(url, { max: WRITERS, settings: { application_name: name } });
  try {
    await migrate(writer, migrationSource);
  } catch (error) {
    await writer.destroy();
    throw error;
  }
  const readers = openPool(url, {
    max: READERS,
    settings: {
      application_name: `${name}-readers`,
      statement_timeout: READ_TIMEOUT_MS,
      options: '-c default_transaction_read_only=on',
    },
  });
  let closed: Promise<void> | undefined;
  return {
    kind: 'postgres',
    writer,
    readers,
    apply: createPostgresApplyStore({ knex: writer }),
    read: (work) => readers.transaction(work, { isolationLevel: 'repeatable read', readOnly: true }),
    problems: () => [],
    close() {
      closed ??= readers.destroy().then(() => writer.destroy());
      return closed;
    },
  };
}

import createKnex, { type Knex } from 'knex';
import { retryWhileBusy } from './transaction.ts';

/** Short: see `retryWhileBusy`. */
const BUSY_TIMEOUT_MS = 20;

interface RawConnection {
  exec(sql: string, done: (error: Error | null) => void): void;
}

export interface SqliteFileOptions {
  /** Path; created when missing. */
  readonly file: string;
  /** `read` refuses every write. Default `write`. */
  readonly mode?: 'read' | 'write';
  readonly signal?: AbortSignal | undefined;
}

/**
 * Opens a SQLite file for several processes: WAL (readers never wait for the writer), every commit on the disk
 * before it returns, space given back by incremental vacuum. One connection; open a second one for reading.
 *
 * @throws the driver's error when the file cannot be opened or stays locked for 10 s.
 */
export async function openSqliteFile({ file, mode = 'write', signal }: SqliteFileOptions): Promise<Knex> {
  const pragmas = [
    `PRAGMA busy_timeout = ${BUSY_TIMEOUT_MS}`,
    // Before journal_mode, which writes the file's first page: vacuum mode cannot be changed after that.
    ...(mode === 'write' ? ['PRAGMA auto_vacuum = INCREMENTAL', 'PRAGMA journal_mode = WAL'] : []),
    'PRAGMA synchronous = FULL',
    ...(mode === 'read' ? ['PRAGMA query_only = ON'] : []),
  ].join(';');
  const knex = createKnex({
    client: 'sqlite3',
    connection: { filename: file },
    useNullAsDefault: true,
    log: { warn: () => undefined }, // knex prints what it also throws
    pool: {
      min: 1,
      max: 1,
      afterCreate(connection: RawConnection, done: (error: Error | null) => void) {
        connection.exec(pragmas, done);
      },
    },
  });
  try {
    // Switching to WAL is refused while another process is switching too.
    await retryWhileBusy(() => knex.raw('SELECT 1'), signal);
    return knex;
  } catch (cause) {
    await knex.destroy();
    throw cause;
  }
}

/**
 * Brings a SQLite database to the newest schema. Safe when several processes do it at once and when one of them is
 * killed in between: all of it, knex's own lock included, is one transaction that takes the write lock first.
 *
 * @param tableName Where knex keeps the names of what it ran. Default `knex_migrations`.
 */
export async function migrateSqlite(
  knex: Knex,
  migrationSource: Knex.MigrationSource<string>,
  tableName = 'knex_migrations',
): Promise<void> {
  await retryWhileBusy(() =>
    knex.transaction(async (trx) => {
      // knex began a deferred transaction; exchange it for one that holds the write lock before the first read.
      await trx.raw('COMMIT');
      try {
        await trx.raw('BEGIN IMMEDIATE');
      } catch (cause) {
        await trx.raw('BEGIN'); // for knex to roll back
        throw cause;
      }
      await trx.migrate.latest({ migrationSource, tableName });
    }),
  );
}

import type { Knex } from 'knex';
import { setTimeout as delay } from 'node:timers/promises';

/** How long to go on asking for the write lock that another connection holds. */
const LOCK_TIMEOUT_MS = 10_000;
const LOCK_RETRY_MS = 5;

/** Runs one statement of a transaction and returns its rows (`RETURNING` included). */
export type RunSql = <R = unknown>(sql: string, bindings?: readonly Knex.RawBinding[]) => Promise<R[]>;

interface ConnectionPool {
  acquireConnection(): Promise<unknown>;
  releaseConnection(connection: unknown): Promise<void>;
}

/**
 * Runs `work` in `BEGIN IMMEDIATE ... COMMIT` on one connection of `knex`; any failure rolls back and is thrown
 * on. knex's own `transaction()` begins deferred: a transaction that reads first and writes later then fails with
 * SQLITE_BUSY at once, whatever the busy time-out, when another connection wrote in between. `work` also gets the
 * driver's connection, for statements of its own.
 *
 * @throws the driver's error with code SQLITE_BUSY when others keep the write lock for 10 s; `signal`'s reason.
 */
export async function immediateTransaction<T>(
  knex: Knex,
  work: (run: RunSql, connection: unknown) => Promise<T>,
  signal?: AbortSignal,
): Promise<T> {
  const pool = knex.client as ConnectionPool;
  const connection = await pool.acquireConnection();
  const run: RunSql = async <R>(sql: string, bindings: readonly Knex.RawBinding[] = []) =>
    (await knex.raw<unknown>(sql, bindings).connection(connection)) as R[];
  try {
    await retryWhileBusy(() => run('BEGIN IMMEDIATE'), signal);
    try {
      const result = await work(run, connection);
      await run('COMMIT');
      return result;
    } catch (cause) {
      await run('ROLLBACK').catch(() => {
        // SQLite rolls some failures back by itself (disk full); the cause below says more than this one.
      });
      throw cause;
    }
  } finally {
    await pool.releaseConnection(connection);
  }
}

/**
 * Tries again while SQLite says that another connection holds the lock. SQLite's own busy time-out should be short
 * beside it: that one waits on a thread of Node's pool, and four waiting connections of one process would leave the
 * holder of the lock no thread to finish on.
 */
export async function retryWhileBusy<T>(action: () => Promise<T>, signal?: AbortSignal): Promise<T> {
  const deadlineMs = performance.now() + LOCK_TIMEOUT_MS;
  for (;;) {
    signal?.throwIfAborted();
    try {
      return await action();
    } catch (cause) {
      if (!isSqliteBusy(cause) || performance.now() > deadlineMs) throw cause;
      await delay(LOCK_RETRY_MS);
    }
  }
}

/** True for an error that goes away when whoever holds the database's lock lets go of it. */
export function isSqliteBusy(error: unknown): boolean {
  // No instanceof: the driver is a native module, whose errors may belong to another realm.
  const code = typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined;
  return code === 'SQLITE_BUSY' || code === 'SQLITE_LOCKED';
}

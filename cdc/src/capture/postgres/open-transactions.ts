import type { SourceDatabase } from './source-database.ts';

/** A transaction that has written and has not ended. What our role may not see is null. */
export interface UnfinishedTransaction {
  /** Its server process; null when it is prepared (two-phase commit). */
  readonly pid: number | null;
  /** Its name, when it is prepared. */
  readonly prepared: string | null;
  readonly database: string | null;
  readonly application: string | null;
  /** `idle in transaction`, `active` ... */
  readonly state: string | null;
  /** Since it began, or was prepared, and since its last query began; milliseconds. */
  readonly ageMs: number | null;
  readonly queryAgeMs: number | null;
}

/** Most that are told: the oldest ones are what everybody waits for. */
const LIMIT = 5;

/**
 * Transactions of the whole server, of any database and prepared ones too, that have written and have not ended. Whose
 * sessions our role may not look into is known by their locks, which everybody may see.
 */
export async function readOpenTransactions(
  database: SourceDatabase,
  signal: AbortSignal,
): Promise<readonly UnfinishedTransaction[]> {
  const rows = await database.query(
    `SELECT l.pid, p.gid, coalesce(p.database, a.datname) AS database, a.application_name AS application, a.state,
       extract(epoch FROM clock_timestamp() - coalesce(p.prepared, a.xact_start)) * 1000 AS age,
       extract(epoch FROM clock_timestamp() - a.query_start) * 1000 AS query_age
     FROM pg_catalog.pg_locks l
     LEFT JOIN pg_catalog.pg_stat_activity a ON a.pid = l.pid
     LEFT JOIN pg_catalog.pg_prepared_xacts p ON l.pid IS NULL AND p.transaction = l.transactionid
     WHERE l.locktype = 'transactionid' AND l.mode = 'ExclusiveLock' AND l.granted AND l.pid IS DISTINCT FROM pg_backend_pid()
     ORDER BY age(l.transactionid) DESC LIMIT ${LIMIT}`,
    [],
    signal,
  );
  const ms = (text: string | null | undefined): number | null =>
    text == null ? null : Math.max(0, Math.round(Number(text)));
  return rows.map((row) => ({
    pid: row['pid'] == null ? null : Number(row['pid']),
    prepared: row['gid'] ?? null,
    database: row['database'] ?? null,
    application: row['application'] || null,
    state: row['state'] ?? null,
    ageMs: ms(row['age']),
    queryAgeMs: ms(row['query_age']),
  }));
}

import { setTimeout as sleep } from 'node:timers/promises';
import { quoteParts, type TableName } from '../../rows/table-name.ts';
import type { SourceDatabase } from '../postgres/source-database.ts';

const POLL_MS = 20;

/** Writing to a table, and TRUNCATE, hold these to the end of their transaction, in its partitions too. */
const WRITERS = `SELECT DISTINCT virtualtransaction AS writer FROM pg_catalog.pg_locks
  WHERE locktype = 'relation' AND granted AND mode IN ('RowExclusiveLock', 'AccessExclusiveLock')
    AND database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = current_database())
    AND relation IN (SELECT to_regclass($1) UNION SELECT relid FROM pg_catalog.pg_partition_tree(to_regclass($1)))`;

/**
 * Waits until every transaction that has written to the table by now has ended, and can be seen: one whose commit is in
 * the WAL already, and so perhaps in the stream, keeps its locks until others see it. Those that begin later are not
 * waited for.
 *
 * @returns false when one was still open after `timeoutMs`.
 */
export async function waitForWriters(options: {
  readonly database: SourceDatabase;
  readonly table: TableName;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}): Promise<boolean> {
  const { database, table, timeoutMs, signal } = options;
  const deadlineMs = performance.now() + timeoutMs;
  const name = quoteParts(table);
  let left = await database.query(WRITERS, [name], signal);
  while (left.length > 0) {
    if (performance.now() > deadlineMs) return false;
    await sleep(POLL_MS, undefined, { signal });
    const writers = left.map(({ writer }) => writer);
    left = await database.query(`${WRITERS} AND virtualtransaction = ANY ($2)`, [name, writers], signal);
  }
  return true;
}

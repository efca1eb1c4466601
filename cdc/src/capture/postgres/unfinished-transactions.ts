import type { SourceDatabase } from './source-database.ts';
import { parseSnapshot } from './transaction-visibility.ts';

/**
 * Transactions that have not ended, as far as a new statement can see: an earlier reader may have streamed one of them,
 * since a commit is in the stream a moment before it is visible.
 */
export async function unfinishedTransactions(
  database: SourceDatabase,
  signal: AbortSignal,
): Promise<readonly bigint[]> {
  const rows = await database.query(
    'SELECT pg_current_snapshot()::text AS snapshot, pg_current_xact_id()::text AS next',
    [],
    signal,
  );
  const snapshot = parseSnapshot(rows[0]?.['snapshot'] ?? '');
  const unfinished = [...snapshot.running];
  for (let xid = snapshot.xmax; xid < BigInt(rows[0]?.['next'] ?? '0'); xid += 1n) unfinished.push(xid);
  return unfinished;
}

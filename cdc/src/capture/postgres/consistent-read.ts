import { parseSnapshot, type TransactionSnapshot } from './transaction-visibility.ts';
import type { AskDatabase, SourceDatabase } from './source-database.ts';

/** Reads within one snapshot of the database, and says which transactions it saw. */
export function readConsistently<T>(
  database: SourceDatabase,
  signal: AbortSignal,
  read: (ask: AskDatabase) => Promise<T>,
): Promise<{ readonly snapshot: TransactionSnapshot; readonly result: T }> {
  return database.transaction(
    { begin: 'BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY', signal },
    async (ask) => {
      const rows = await ask('SELECT pg_current_snapshot()::text AS snapshot');
      return { snapshot: parseSnapshot(rows[0]?.['snapshot'] ?? ''), result: await read(ask) };
    },
  );
}

import { randomUUID } from 'node:crypto';
import type { SourceDatabase } from '../postgres/source-database.ts';

/** The table through which the reader is asked for things. In every publication of a feed; its rows are on no topic. */
export const SIGNAL_TABLE = 'banyan.signal';

/** See `TableFeed.requestTableSnapshot`, whoever reads the WAL. */
export async function requestTableSnapshot(
  database: SourceDatabase,
  tables: readonly string[],
  signal: AbortSignal,
): Promise<string> {
  const data = { 'data-collections': tables, type: 'INCREMENTAL' };
  return await writeSignal(database, { type: 'execute-snapshot', data }, signal);
}

/** See `TableFeed.stopTableSnapshots`. */
export async function stopTableSnapshots(
  database: SourceDatabase,
  tables: readonly string[],
  signal: AbortSignal,
): Promise<void> {
  if (tables.length === 0) return; // to the reader, no table would mean every table
  const data = { 'data-collections': tables, type: 'INCREMENTAL' };
  await writeSignal(database, { type: 'stop-snapshot', data }, signal);
}

/** Asks whoever reads the WAL for something. @returns its id. */
export async function writeSignal(
  database: SourceDatabase,
  { type, data }: { readonly type: string; readonly data: unknown },
  signal: AbortSignal,
): Promise<string> {
  const id = randomUUID();
  const sql = `INSERT INTO ${SIGNAL_TABLE} (id, type, data) VALUES ($1, $2, $3)`;
  await database.query(sql, [id, type, JSON.stringify(data)], signal);
  return id;
}

import { randomUUID } from 'node:crypto';
import type { SourceDatabase } from '../postgres/source-database.ts';

/** The table through which the reader is asked for things. In every publication of a feed; its rows are on no topic. */
export const SIGNAL_TABLE = 'banyan.signal';

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

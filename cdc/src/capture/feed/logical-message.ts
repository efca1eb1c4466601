import { parseExactJson } from '@banyan/contracts';
import { z } from 'zod';
import type { SourceDatabase } from '../postgres/source-database.ts';
import type { Lsn } from '../../rows/lsn.ts';

/** Prefix of the logical messages that Banyan writes into the WAL for its own reader. */
export const MESSAGE_PREFIX = 'banyan';

/** What a message of ours says; one that says nothing is there for its position. */
const contentSchema = z.union([
  /** When it was written, milliseconds since the epoch. */
  z.strictObject({ heartbeat: z.number() }),
  /** One side of a table snapshot's chunk, by the chunk's id. */
  z.strictObject({ lowWatermark: z.string() }),
  z.strictObject({ highWatermark: z.string() }),
  /** What `FeedColumnSetting` keeps was changed before this. */
  z.strictObject({ feedColumns: z.literal('changed') }),
]);
export type MessageContent = z.infer<typeof contentSchema>;

/** Null for a message that is not ours or says nothing: any user of the database may write one. */
export function readMessageContent(prefix: string, text: string): MessageContent | null {
  if (prefix !== MESSAGE_PREFIX || text === '') return null;
  try {
    return contentSchema.safeParse(parseExactJson(text)).data ?? null;
  } catch {
    return null; // not JSON, so not ours
  }
}

/** Snapshot as `pg_current_snapshot()` prints it, taken beside the message. */
export interface WrittenMessage {
  readonly lsn: Lsn;
  readonly snapshot: string;
}

/**
 * Writes a non-transactional message into the WAL, flushed, so that a reader is sure to reach its position,
 * also on an idle database.
 */
export async function writeMessage(
  database: SourceDatabase,
  content: MessageContent | null,
  signal: AbortSignal,
): Promise<WrittenMessage> {
  // Before PostgreSQL 17 there is no `flush` argument: taking a transaction id makes the statement's commit
  // write a record of its own, and that flushes.
  const message =
    (await database.versionNumber(signal)) >= 170_000
      ? 'pg_logical_emit_message(false, $1::text, $2::text, true)::text AS lsn'
      : 'pg_logical_emit_message(false, $1::text, $2::text)::text AS lsn, pg_current_xact_id()';
  const rows = await database.query(
    `SELECT pg_current_snapshot()::text AS snapshot, ${message}`,
    [MESSAGE_PREFIX, content ? JSON.stringify(content) : ''],
    signal,
  );
  return { lsn: rows[0]?.['lsn'] ?? '', snapshot: rows[0]?.['snapshot'] ?? '' };
}

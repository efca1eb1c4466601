import type { Knex } from 'knex';
import type { RunSql } from '@banyan/kit/sqlite';
import type { LongText } from '../../rows/long-text.ts';
import { textPieces } from '../../rows/text-pieces.ts';

/**
 * From so many characters on a value is stored in pieces of that length. Whole, the driver and SQLite would have it in
 * memory four times at once, beside the text itself.
 */
const PIECE_CHARS = 1024 * 1024;

/** A record's place on the bus. */
export interface RecordPlace {
  readonly topicId: number;
  readonly offset: number;
}

/** False for a value that is stored in pieces. */
export function isShort(value: string | LongText | null): value is string | null {
  return value === null || (typeof value === 'string' && value.length <= PIECE_CHARS);
}

/** Stores a record's value. @returns how many pieces it has, and the bytes of all. */
export async function insertPieces(
  run: RunSql,
  { topicId, offset }: RecordPlace,
  value: string | LongText,
): Promise<{ readonly pieces: number; readonly bytes: number }> {
  let pieces = 0;
  let bytes = 0;
  for (const text of typeof value === 'string' ? textPieces(value, PIECE_CHARS) : value.pieces()) {
    const piece = Buffer.from(text);
    await run('INSERT INTO record_piece (topic_id, topic_offset, piece, bytes) VALUES (?, ?, ?, ?)', [
      ...[topicId, offset, pieces],
      piece,
    ]);
    pieces += 1;
    bytes += piece.length;
  }
  return { pieces, bytes };
}

/**
 * Reads a value from its pieces, one after another.
 *
 * @param options.bytes Of all pieces.
 * @returns undefined when its record was deleted meanwhile.
 */
export async function readPieces(
  knex: Knex,
  { topicId, offset }: RecordPlace,
  options: { readonly pieces: number; readonly bytes: number },
): Promise<string | undefined> {
  const whole = Buffer.allocUnsafeSlow(options.bytes);
  let end = 0;
  for (let piece = 0; piece < options.pieces; piece += 1) {
    const [row] = await knex.raw<{ bytes: Buffer }[]>(
      'SELECT bytes FROM record_piece WHERE topic_id = ? AND topic_offset = ? AND piece = ?',
      [topicId, offset, piece],
    );
    if (!row) return undefined;
    end += row.bytes.copy(whole, end);
  }
  const text = whole.toString('utf8', 0, end);
  whole.buffer.transfer(0); // gone at once: a collector lets it stay for long
  return text;
}

/** Deletes the pieces of a topic's records up to and with an offset. */
export async function deletePiecesUpTo(run: RunSql, { topicId, offset }: RecordPlace): Promise<void> {
  await run('DELETE FROM record_piece WHERE topic_id = ? AND topic_offset <= ?', [topicId, offset]);
}

/** Deletes the pieces of one record. */
export async function deletePieces(run: RunSql, { topicId, offset }: RecordPlace): Promise<void> {
  await run('DELETE FROM record_piece WHERE topic_id = ? AND topic_offset = ?', [topicId, offset]);
}

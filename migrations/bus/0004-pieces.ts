import type { Knex } from 'knex';

/**
 * Long values, in pieces of UTF-8 text, so that nobody holds one several times over to write or read it. Of such a record
 * `value` is null and `pieces` says how many there are. They go with their record, in the same transaction.
 */
export async function up(knex: Knex): Promise<void> {
  await knex.raw('ALTER TABLE record ADD COLUMN pieces INTEGER NOT NULL DEFAULT 0');
  await knex.raw(`
    CREATE TABLE record_piece (
      id INTEGER PRIMARY KEY,
      topic_id INTEGER NOT NULL,
      topic_offset INTEGER NOT NULL,
      piece INTEGER NOT NULL,
      bytes BLOB NOT NULL
    ) STRICT`);
  await knex.raw('CREATE UNIQUE INDEX record_piece_idx ON record_piece (topic_id, topic_offset, piece)');
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw(`
    UPDATE record SET value = (
      SELECT group_concat(CAST(bytes AS TEXT), '' ORDER BY piece) FROM record_piece
      WHERE record_piece.topic_id = record.topic_id AND record_piece.topic_offset = record.topic_offset)
    WHERE pieces > 0`);
  await knex.raw('DROP TABLE record_piece');
  await knex.raw('ALTER TABLE record DROP COLUMN pieces');
}

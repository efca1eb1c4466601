import type { Knex } from 'knex';

/** Topics, their records, and how far each source's WAL has been stored. */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    CREATE TABLE topic (
      id INTEGER PRIMARY KEY,
      name TEXT NOT NULL UNIQUE,
      next_offset INTEGER NOT NULL
    ) STRICT`);
  // `id` rises over all topics in the order of appending, so that a reader of several topics keeps that order.
  await knex.raw(`
    CREATE TABLE record (
      id INTEGER PRIMARY KEY,
      topic_id INTEGER NOT NULL,
      topic_offset INTEGER NOT NULL,
      key TEXT,
      headers TEXT NOT NULL,
      value TEXT,
      stored_at_ms INTEGER NOT NULL
    ) STRICT`);
  await knex.raw('CREATE UNIQUE INDEX record_topic_offset_idx ON record (topic_id, topic_offset)');
  // `lsn` is decimal text: the driver reads integers as doubles, and an LSN has 64 bits.
  await knex.raw(`
    CREATE TABLE source_position (
      source TEXT PRIMARY KEY,
      epoch INTEGER NOT NULL,
      lsn TEXT NOT NULL,
      system_id TEXT NOT NULL,
      timeline INTEGER NOT NULL,
      heard_at_ms INTEGER NOT NULL
    ) STRICT`);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('DROP TABLE source_position');
  await knex.raw('DROP TABLE record');
  await knex.raw('DROP TABLE topic');
}

import type { Knex } from 'knex';

/**
 * What bounds the bus: where each topic begins, how many bytes it holds, how far each group has applied, the limits.
 * `bytes_before` is the sum of all records of the topic before this one, deleted ones included, so that the size of
 * any stretch is one subtraction. It stands before the long columns: SQLite reads a row from its beginning.
 */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    CREATE TABLE kept_record (
      id INTEGER PRIMARY KEY,
      topic_id INTEGER NOT NULL,
      topic_offset INTEGER NOT NULL,
      stored_at_ms INTEGER NOT NULL,
      bytes_before INTEGER NOT NULL,
      key TEXT,
      headers TEXT NOT NULL,
      value TEXT
    ) STRICT`);
  const bytes = `octet_length(headers) + coalesce(octet_length(key), 0) + coalesce(octet_length(value), 0)`;
  await knex.raw(`
    INSERT INTO kept_record
    SELECT id, topic_id, topic_offset, stored_at_ms,
      coalesce(sum(${bytes}) OVER (
        PARTITION BY topic_id ORDER BY topic_offset ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0),
      key, headers, value
    FROM record ORDER BY id`);
  await knex.raw(`ALTER TABLE topic ADD COLUMN first_offset INTEGER NOT NULL DEFAULT 0`);
  await knex.raw(`ALTER TABLE topic ADD COLUMN records INTEGER NOT NULL DEFAULT 0`);
  await knex.raw(`ALTER TABLE topic ADD COLUMN bytes_appended INTEGER NOT NULL DEFAULT 0`);
  await knex.raw(`
    UPDATE topic SET records = next_offset,
      bytes_appended = (SELECT coalesce(sum(${bytes}), 0) FROM record WHERE topic_id = topic.id)`);
  await knex.raw('DROP TABLE record');
  await knex.raw('ALTER TABLE kept_record RENAME TO record');
  await knex.raw('CREATE UNIQUE INDEX record_topic_offset_idx ON record (topic_id, topic_offset)');
  // By name: a group may wait for a topic that does not exist yet.
  await knex.raw(`
    CREATE TABLE group_position (
      group_name TEXT NOT NULL,
      topic TEXT NOT NULL,
      next_offset INTEGER NOT NULL,
      committed_at_ms INTEGER NOT NULL,
      PRIMARY KEY (group_name, topic)
    ) STRICT, WITHOUT ROWID`);
  await knex.raw(`CREATE TABLE bus (id TEXT NOT NULL, max_bytes INTEGER, warn_bytes INTEGER) STRICT`);
  await knex.raw(`INSERT INTO bus (id) VALUES (lower(hex(randomblob(16))))`);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('DROP TABLE bus');
  await knex.raw('DROP TABLE group_position');
  await knex.raw('ALTER TABLE record DROP COLUMN bytes_before');
  for (const column of ['bytes_appended', 'records', 'first_offset']) {
    await knex.raw(`ALTER TABLE topic DROP COLUMN ${column}`);
  }
}

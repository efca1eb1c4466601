import type { Knex } from 'knex';

/**
 * What a reader needs to go on inside a large transaction and to know the server's history again, and which incarnation
 * of the feed the position belongs to. A feed from before this is in its first.
 */
const columns = [
  // JSON: commit LSN, identity, LSN of the last change stored, how many changes of that LSN are stored.
  'open_transaction TEXT',
  // JSON: LSN and identity of the last step stored that the server would send again.
  'witness TEXT',
  'publication_id TEXT',
  'incarnation INTEGER NOT NULL DEFAULT 1',
  "incarnation_reason TEXT NOT NULL DEFAULT 'the feed was begun'",
  'incarnation_at_ms INTEGER',
  'anew_reason TEXT',
];

export async function up(knex: Knex): Promise<void> {
  for (const column of columns) await knex.raw(`ALTER TABLE source_position ADD COLUMN ${column}`);
}

export async function down(knex: Knex): Promise<void> {
  for (const column of columns) {
    await knex.raw(`ALTER TABLE source_position DROP COLUMN ${column.split(' ')[0] ?? ''}`);
  }
}

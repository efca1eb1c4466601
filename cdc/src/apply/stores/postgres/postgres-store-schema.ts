import type { Knex } from 'knex';
import { migrationSourceOf } from '../../../../../migrations/migration-source.ts';

const migrationSource = migrationSourceOf({
  '0001-progress': {
    async up(knex) {
      await knex.raw(`
        CREATE TABLE banyan_position (
          topic text NOT NULL,
          partition integer NOT NULL,
          next_offset bigint NOT NULL,
          applied_rows bigint NOT NULL,
          lost integer NOT NULL DEFAULT 0,
          bus_id text,
          PRIMARY KEY (topic, partition)
        )`);
      await knex.raw(`
        CREATE TABLE banyan_barrier (
          met bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
          id text NOT NULL,
          topic text NOT NULL,
          partition integer NOT NULL,
          UNIQUE (id, topic, partition)
        )`);
      await knex.raw(`
        CREATE TABLE banyan_quarantine (
          topic text NOT NULL,
          partition integer NOT NULL,
          record_offset bigint NOT NULL,
          key text,
          record text NOT NULL,
          reason text NOT NULL,
          held_at_ms bigint NOT NULL,
          reread_since_ms bigint,
          PRIMARY KEY (topic, partition, record_offset)
        )`);
      // A hash: keys may be longer than a B-tree takes.
      await knex.raw('CREATE INDEX banyan_quarantine_key ON banyan_quarantine USING hash (key)');
    },
    async down(knex) {
      for (const table of ['quarantine', 'barrier', 'position']) await knex.raw(`DROP TABLE banyan_${table}`);
    },
  },
  '0002-window': {
    async up(knex) {
      await knex.raw('ALTER TABLE banyan_quarantine DROP COLUMN reread_since_ms');
      await knex.raw(`
        CREATE TABLE banyan_window (
          topic text NOT NULL,
          key text NOT NULL,
          partition integer NOT NULL,
          id text NOT NULL,
          opened_at_ms bigint NOT NULL
        )`);
      await knex.raw('CREATE INDEX banyan_window_key ON banyan_window USING hash (key)');
    },
    async down(knex) {
      await knex.raw('DROP TABLE banyan_window');
      await knex.raw('ALTER TABLE banyan_quarantine ADD COLUMN reread_since_ms bigint');
    },
  },
  '0003-filled': {
    async up(knex) {
      await knex.raw('ALTER TABLE banyan_position ADD COLUMN filled integer NOT NULL DEFAULT 0');
    },
    async down(knex) {
      await knex.raw('ALTER TABLE banyan_position DROP COLUMN filled');
    },
  },
});

/**
 * Makes the consumer's own tables (`banyan_...`) in a service's PostgreSQL store, with a list of migrations of their
 * own. Idempotent; safe when several processes do it at once and when one is killed in between: all of it, knex's own
 * lock included, is one transaction behind an advisory lock.
 */
export async function migratePostgresApplyStore(knex: Knex): Promise<void> {
  await knex.transaction(async (transaction) => {
    await transaction.raw(`SELECT pg_advisory_xact_lock(hashtextextended('banyan_migrations', 0))`);
    await transaction.migrate.latest({ migrationSource, tableName: 'banyan_migrations' });
  });
}

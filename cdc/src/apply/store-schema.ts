import type { Knex } from 'knex';
import { migrateSqlite } from '@banyan/kit/sqlite';
import { migrationSourceOf } from '../../../migrations/migration-source.ts';

const migrationSource = migrationSourceOf({
  '0001-progress': {
    async up(knex) {
      await knex.raw(`
        CREATE TABLE banyan_position (
          topic TEXT NOT NULL,
          partition INTEGER NOT NULL,
          next_offset INTEGER NOT NULL,
          applied_rows INTEGER NOT NULL,
          PRIMARY KEY (topic, partition)
        ) STRICT, WITHOUT ROWID`);
      await knex.raw(`
        CREATE TABLE banyan_barrier (
          met INTEGER PRIMARY KEY,
          id TEXT NOT NULL,
          topic TEXT NOT NULL,
          partition INTEGER NOT NULL,
          UNIQUE (id, topic, partition)
        ) STRICT`);
      await knex.raw(`
        CREATE TABLE banyan_quarantine (
          topic TEXT NOT NULL,
          partition INTEGER NOT NULL,
          record_offset INTEGER NOT NULL,
          key TEXT,
          record TEXT NOT NULL,
          reason TEXT NOT NULL,
          held_at_ms INTEGER NOT NULL,
          PRIMARY KEY (topic, partition, record_offset)
        ) STRICT, WITHOUT ROWID`);
    },
    async down(knex) {
      await knex.raw('DROP TABLE banyan_quarantine');
      await knex.raw('DROP TABLE banyan_barrier');
      await knex.raw('DROP TABLE banyan_position');
    },
  },
  '0002-lost': {
    async up(knex) {
      await knex.raw('ALTER TABLE banyan_position ADD COLUMN lost INTEGER NOT NULL DEFAULT 0');
      await knex.raw('ALTER TABLE banyan_position ADD COLUMN bus_id TEXT');
    },
    async down(knex) {
      await knex.raw('ALTER TABLE banyan_position DROP COLUMN bus_id');
      await knex.raw('ALTER TABLE banyan_position DROP COLUMN lost');
    },
  },
  '0003-reread': {
    async up(knex) {
      await knex.raw('ALTER TABLE banyan_quarantine ADD COLUMN reread_since_ms INTEGER');
      await knex.raw('CREATE INDEX banyan_quarantine_key ON banyan_quarantine (topic, key)');
    },
    async down(knex) {
      await knex.raw('DROP INDEX banyan_quarantine_key');
      await knex.raw('ALTER TABLE banyan_quarantine DROP COLUMN reread_since_ms');
    },
  },
  '0004-window': {
    async up(knex) {
      await knex.raw('ALTER TABLE banyan_quarantine DROP COLUMN reread_since_ms');
      await knex.raw(`
        CREATE TABLE banyan_window (
          topic TEXT NOT NULL,
          key TEXT NOT NULL,
          partition INTEGER NOT NULL,
          id TEXT NOT NULL,
          opened_at_ms INTEGER NOT NULL,
          PRIMARY KEY (topic, key)
        ) STRICT, WITHOUT ROWID`);
    },
    async down(knex) {
      await knex.raw('DROP TABLE banyan_window');
      await knex.raw('ALTER TABLE banyan_quarantine ADD COLUMN reread_since_ms INTEGER');
    },
  },
  '0005-filled': {
    async up(knex) {
      await knex.raw('ALTER TABLE banyan_position ADD COLUMN filled INTEGER NOT NULL DEFAULT 0');
    },
    async down(knex) {
      await knex.raw('ALTER TABLE banyan_position DROP COLUMN filled');
    },
  },
});

/**
 * Makes the consumer's own tables (`banyan_...`) in a service's SQLite store. They have a list of migrations of
 * their own, apart from the service's. Idempotent; `startConsumer` calls it.
 */
export async function migrateApplyStore(knex: Knex): Promise<void> {
  await migrateSqlite(knex, migrationSource, 'banyan_migrations');
}

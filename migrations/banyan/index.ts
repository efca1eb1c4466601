import type { Knex } from 'knex';
import { migrationSourceOf } from '../migration-source.ts';
import * as signal from './0001-signal.ts';
import * as longSignals from './0002-long-signals.ts';
import * as feedColumn from './0003-feed-column.ts';

/** Banyan's own schema in the monolith's database, in order. Names are stored: never rename one. */
export const migrationSource = migrationSourceOf({
  '0001-signal': signal,
  '0002-long-signals': longSignals,
  '0003-feed-column': feedColumn,
});

/** What is applied is written down in `banyan.knex_migrations`, apart from the monolith's own migrations. */
export const migrationConfig: Knex.MigratorConfig = {
  migrationSource,
  schemaName: 'banyan',
  tableName: 'knex_migrations',
};

/** Brings the schema `banyan` up to date. Idempotent. The role needs CREATE on the database the first time. */
export async function migrateBanyan(knex: Knex): Promise<void> {
  // Not by CREATE SCHEMA IF NOT EXISTS alone: that wants the privilege even when there is nothing to create.
  const found: unknown = await knex('pg_catalog.pg_namespace').where({ nspname: 'banyan' }).first('nspname');
  if (!found) await knex.raw('CREATE SCHEMA IF NOT EXISTS banyan');
  await knex.migrate.latest(migrationConfig);
}

import type { Knex } from 'knex';

/** Debezium's signal table: a row asks the reader for something, e.g. a table snapshot, in the order of the WAL. */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    CREATE TABLE banyan.signal (
      id varchar(42) PRIMARY KEY,
      type varchar(32) NOT NULL,
      data varchar(2048)
    )
  `);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('DROP TABLE banyan.signal');
}

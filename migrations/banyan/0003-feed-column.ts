import type { Knex } from 'knex';

/**
 * What of a table's rows may leave the database: one row a column. An empty `column_name`, which no column can have,
 * stands for every column. An `id` is never given twice, so that a column which was taken out and put in again shows.
 */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    CREATE TABLE banyan.feed_column (
      table_name text NOT NULL,
      column_name text NOT NULL,
      id bigint GENERATED ALWAYS AS IDENTITY,
      PRIMARY KEY (table_name, column_name)
    )
  `);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('DROP TABLE banyan.feed_column');
}

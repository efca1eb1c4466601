import type { Knex } from 'knex';

/** A signal may name thousands of keys: Debezium's 2,048 characters are its advice, not a limit of its own. */
export async function up(knex: Knex): Promise<void> {
  await knex.raw('ALTER TABLE banyan.signal ALTER COLUMN data TYPE text');
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('ALTER TABLE banyan.signal ALTER COLUMN data TYPE varchar(2048) USING left(data, 2048)');
}

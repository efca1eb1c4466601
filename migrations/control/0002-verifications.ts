import type { Knex } from 'knex';

/** The verification of each slice that runs, or ran last, with all that it needs to go on after an interruption. */
export async function up(knex: Knex): Promise<void> {
  await knex.schema.createTable('verifications', (table) => {
    table.text('slice').primary();
    table.text('run').notNullable(); // who may write here: the last one that began or went on
    table.text('snapshot').notNullable(); // id of the copy's table snapshot
    table.text('mapping').notNullable(); // hash of the slice's tables
    table.text('state').notNullable(); // running, finished, failed
    table.text('by').notNullable();
    table.text('reason');
    table.boolean('repair').notNullable();
    table.integer('started_at_ms').notNullable();
    table.integer('finished_at_ms');
    table.text('error');
    table.text('tables'); // JSON; null before the first range
  });
}

export async function down(knex: Knex): Promise<void> {
  await knex.schema.dropTable('verifications');
}

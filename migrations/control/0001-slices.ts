import type { Knex } from 'knex';

/** Slices' states, the journal that explains them, and the version of the routes snapshot made of them. */
export async function up(knex: Knex): Promise<void> {
  await knex.schema.createTable('slices', (table) => {
    table.text('name').primary();
    table.integer('epoch').notNullable();
    table.text('state').notNullable(); // JSON
    table.integer('updated_at_ms').notNullable();
  });
  await knex.schema.createTable('journal', (table) => {
    table.increments('id');
    table.integer('at_ms').notNullable();
    table.text('slice').notNullable();
    table.integer('epoch').notNullable();
    table.text('by').notNullable();
    table.text('verb').notNullable();
    table.text('from').notNullable();
    table.text('to').notNullable();
    table.text('reason');
    table.text('evidence').notNullable(); // JSON
    table.unique(['slice', 'epoch']); // one step an epoch, whoever made it
  });
  await knex.schema.createTable('routes', (table) => {
    table.integer('id').primary(); // one row
    table.integer('version').notNullable();
  });
  await knex('routes').insert({ id: 1, version: 0 });
}

export async function down(knex: Knex): Promise<void> {
  await knex.schema.dropTable('routes');
  await knex.schema.dropTable('journal');
  await knex.schema.dropTable('slices');
}

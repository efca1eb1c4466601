import type { Knex } from 'knex';
import * as catalog from './0001-catalog.ts';
import * as customers from './0002-customers.ts';
import * as carts from './0003-carts.ts';
import * as orders from './0004-orders.ts';
import * as reviews from './0005-reviews.ts';
import * as helpful from './0006-helpful.ts';

const migrations: Readonly<Record<string, Knex.Migration>> = {
  '0001-catalog': catalog,
  '0002-customers': customers,
  '0003-carts': carts,
  '0004-orders': orders,
  '0005-reviews': reviews,
  '0006-helpful': helpful,
};

/**
 * The shop's schema, in order, for `knex.migrate.latest({ migrationSource })`. A static list: knex would have
 * to load `.ts` files by itself otherwise. Names are stored in `knex_migrations`: never rename one.
 */
export const migrationSource: Knex.MigrationSource<string> = {
  getMigrations: () => Promise.resolve(Object.keys(migrations)),
  getMigrationName: (name) => name,
  getMigration: (name) => {
    const migration = migrations[name];
    return migration ? Promise.resolve(migration) : Promise.reject(new Error(`No migration named ${name}.`));
  },
};

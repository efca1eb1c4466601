import type { Knex } from 'knex';
import * as reviews from './0001-reviews.ts';

const migrations: Readonly<Record<string, Knex.Migration>> = {
  '0001-reviews': reviews,
};

/**
 * The reviews service's schema (SQLite), in order, for `knex.migrate.latest({ migrationSource })`. A static
 * list: knex would have to load `.ts` files by itself otherwise. Names are stored: never rename one.
 */
export const migrationSource: Knex.MigrationSource<string> = {
  getMigrations: () => Promise.resolve(Object.keys(migrations)),
  getMigrationName: (name) => name,
  getMigration: (name) => {
    const migration = migrations[name];
    return migration ? Promise.resolve(migration) : Promise.reject(new Error(`No migration named ${name}.`));
  },
};

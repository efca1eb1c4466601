import type { Knex } from 'knex';
import * as slices from './0001-slices.ts';
import * as verifications from './0002-verifications.ts';

const migrations: Readonly<Record<string, Knex.Migration>> = {
  '0001-slices': slices,
  '0002-verifications': verifications,
};

/**
 * The control plane's store, in order, for `knex.migrate.latest({ migrationSource })`. Names are stored in
 * `knex_migrations`: never rename one.
 */
export const migrationSource: Knex.MigrationSource<string> = {
  getMigrations: () => Promise.resolve(Object.keys(migrations)),
  getMigrationName: (name) => name,
  getMigration: (name) => {
    const migration = migrations[name];
    return migration ? Promise.resolve(migration) : Promise.reject(new Error(`No migration named ${name}.`));
  },
};

import type { Knex } from 'knex';
import * as log from './0001-log.ts';
import * as incarnation from './0002-incarnation.ts';
import * as groups from './0003-groups.ts';
import * as pieces from './0004-pieces.ts';

const migrations: Readonly<Record<string, Knex.Migration>> = {
  '0001-log': log,
  '0002-incarnation': incarnation,
  '0003-groups': groups,
  '0004-pieces': pieces,
};

/** The embedded bus's schema, in order. Names are stored in `knex_migrations`: never rename one. */
export const migrationSource: Knex.MigrationSource<string> = {
  getMigrations: () => Promise.resolve(Object.keys(migrations)),
  getMigrationName: (name) => name,
  getMigration: (name) => {
    const migration = migrations[name];
    return migration ? Promise.resolve(migration) : Promise.reject(new Error(`No migration named ${name}.`));
  },
};

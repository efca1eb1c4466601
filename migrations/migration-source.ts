import type { Knex } from 'knex';

/**
 * A database's migrations for `knex.migrate.latest({ migrationSource })`, in the order given. A static list: knex would
 * have to load `.ts` files by itself otherwise. Names are stored in the database: never rename one.
 *
 * @param migrations By name, e.g. `{ '0001-catalog': catalog }`, each a module with `up` and `down`.
 */
export function migrationSourceOf(
  migrations: Readonly<Record<string, Knex.Migration>>,
): Knex.MigrationSource<string> {
  return {
    getMigrations: () => Promise.resolve(Object.keys(migrations)),
    getMigrationName: (name) => name,
    getMigration: (name) => {
      const migration = migrations[name];
      return migration
        ? Promise.resolve(migration)
        : Promise.reject(new Error(`No migration named ${name}.`));
    },
  };
}

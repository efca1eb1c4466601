import type { SliceDefinition } from '@banyan/contracts';
import { CodedError, type ConfigOf, type ConfigTable } from '@banyan/kit';
import type { Knex } from 'knex';
import { serviceConfigTable, storeConfigTable } from './config.ts';
import type { Face } from './http/face.ts';
import type { Route } from './http/route.ts';
import type { StoreConnections, StoreKind } from './store/store.ts';

/** What a service's routes are made of. */
export interface Parts<Store, Table extends ConfigTable = ConfigTable> {
  /** What `store` made. */
  readonly store: Store;
  /** The service's own settings. */
  readonly config: ConfigOf<Table>;
}

/** All that is particular to one service. */
export interface ServiceDefinition<Store, Table extends ConfigTable = ConfigTable> {
  readonly slice: SliceDefinition;
  /**
   * The store's schema, for each kind of store that the service can use: SQLite by STORE_FILE, PostgreSQL by STORE_URL.
   * Left out for a slice without tables.
   */
  readonly migrations?: Partial<Record<StoreKind, Knex.MigrationSource<string>>>;
  /** What the routes ask, on the store's connections. Left out for a slice without tables. */
  readonly store?: (connections: StoreConnections) => Store;
  /** The contract, YAML or JSON: every route that is no page is an operation of it, and the reverse. */
  readonly openapi: URL;
  /** Its own settings, beside those that every service has. Default: none. */
  readonly config?: Table;
  readonly routes: (parts: Parts<Store, Table>) => readonly Route[];
  /** How the monolith's visitors know it: pages, form tokens, the shape of errors. Default: JSON alone. */
  readonly face?: Face;
}

/** A service as a value: `runService` makes a process of it, `startService` runs it in this one, beside others. */
export type Service<Store = never, Table extends ConfigTable = ConfigTable> = ServiceDefinition<Store, Table>;

/** Of a service without settings of its own. */
// eslint-disable-next-line @typescript-eslint/no-empty-object-type -- a table of no settings is just that
type NoSettings = {};

/** A service that does not fit together: every mistake at once. */
export class ServiceDefinitionError extends CodedError<'service-definition-invalid'> {
  readonly problems: readonly string[];

  constructor(service: string, problems: readonly string[]) {
    super(
      'service-definition-invalid',
      `The service "${service}" does not fit together:\n${problems.map((problem) => `  - ${problem}`).join('\n')}`,
    );
    this.problems = problems;
  }
}

/**
 * Checks and returns a service. Its routes are checked when it starts, as they are made by then.
 *
 * @throws ServiceDefinitionError with every mistake at once
 * @example
 * export const service = defineService({ slice, migrations: { sqlite: migrationSource }, store: createStockStore,
 *   openapi: new URL('../openapi.yaml', import.meta.url), routes });
 */
export function defineService<Store, Table extends ConfigTable = NoSettings>(
  service: ServiceDefinition<Store, Table>,
): Service<Store, Table> {
  const { slice, migrations = {}, store, config = {} } = service;
  const problems: string[] = [];
  const copies = slice.tables.length > 0;
  if (copies && !migrations.sqlite && !migrations.postgres) {
    problems.push('migrations: the slice has tables; give the schema of the store that they are copied to');
  }
  if (copies && !store) problems.push('store: the slice has tables; say what answers from them');
  if (!copies && (migrations.sqlite || migrations.postgres || store)) {
    problems.push('migrations, store: the slice has no tables, so no store is opened; leave them out');
  }
  for (const { path } of slice.routes) {
    if (path === '/v1' || path.startsWith('/v1/')) {
      problems.push(
        `slice.routes: ${path} is below /v1, where the service's own API stands, outside of the slice`,
      );
    }
  }
  const common: ConfigTable = { ...serviceConfigTable, ...storeConfigTable };
  const taken = new Set(Object.values(common).map(({ env }) => env));
  for (const [name, { env }] of Object.entries<ConfigTable[string]>(config)) {
    if (taken.has(env)) problems.push(`config.${name}: every service has a variable ${env} already`);
    if (name in common) {
      problems.push(`config.${name}: every service has a setting of this name already`);
    }
  }
  if (problems.length > 0) throw new ServiceDefinitionError(slice.name, problems);
  return service;
}

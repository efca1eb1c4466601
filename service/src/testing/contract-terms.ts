import type { Knex } from 'knex';
import type { Service } from '../define-service.ts';
import type { RowMaker } from './contract-bed.ts';
import type { ServiceLike } from './settings.ts';

/** What the contract has to know of a service. Its slice has tables. */
export interface ServiceContract {
  readonly service: ServiceLike & Pick<Service, 'openapi'>;
  /** The service's `main.ts`. */
  readonly main: URL;
  /** The schema of the monolith's database, which the mapping is to fit. */
  readonly monolith: Knex.MigrationSource<string>;
  /** Rows of every source table of the slice; 45 of each are copied. */
  readonly rows: Readonly<Record<string, RowMaker>>;
  /** Requests with the status that they get, e.g. `GET /v1/products/p-1/stock 200`: each operation at least once. */
  readonly requests: readonly string[];
  /** Holds the service's own answers against its copy of `rows` rows a table, where there is more to see than keys. */
  readonly expectCopied?: (ask: (path: string) => Promise<unknown>, rows: number) => Promise<void>;
}

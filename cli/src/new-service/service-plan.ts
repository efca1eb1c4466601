import type { CatalogColumn } from '@banyan/contracts';

export type StoreKind = 'sqlite' | 'postgres';

/** A column that is copied. */
export interface PlannedColumn extends CatalogColumn {
  /** In the store. */
  readonly target: string;
  readonly isKey: boolean;
  /** By its name alone; masked wherever rows are shown. */
  readonly isPersonal: boolean;
}

export interface PlannedTable {
  /** `schema.table` */
  readonly source: string;
  /** In the store. */
  readonly target: string;
  readonly kind: 'owned' | 'reference';
  readonly key: readonly string[];
  readonly columns: readonly PlannedColumn[];
}

/** A route that the service answers by one question to its store. */
export interface PlannedRoute {
  /** With `:name` segments. */
  readonly path: string;
  readonly params: readonly string[];
  /** The store's function, e.g. `findStock`. */
  readonly finder: string;
  /** What it answers, e.g. `StockAnswer`. */
  readonly answer: string;
}

/** Everything that a new service's files are rendered from. */
export interface ServicePlan {
  /** Of slice, service and folders, e.g. `stock-watch`. */
  readonly name: string;
  /** First part of its names in code, e.g. `stockWatch`. */
  readonly camel: string;
  /** E.g. `StockWatch`. */
  readonly pascal: string;
  readonly title: string;
  readonly store: StoreKind;
  readonly tables: readonly PlannedTable[];
  readonly routes: readonly PlannedRoute[];
}

/** What a person must write is found by this word, in code, contract and errors. */
export const OPEN_MARK = 'TODO(banyan)';

import type { CarriedTable } from './feed-columns.ts';

export type { CarriedTable } from './feed-columns.ts';

/** One table of the source, as the catalog describes it. */
export interface SourceTable {
  /** `schema.table`. */
  readonly name: string;
  /** Primary key columns in key order; empty without one. */
  readonly key: readonly string[];
  /** Column name to type name as `format_type` prints it. */
  readonly columns: Readonly<Record<string, string>>;
  /** Columns that are never null; left out where the source cannot tell. */
  readonly notNull?: readonly string[];
  /** Columns that whoever reads the log cannot carry without a mistake, with why. Default: none. */
  readonly uncarried?: Readonly<Record<string, string>>;
  /** Sets of columns of which no two rows hold the same values at any moment; left out where the source cannot tell. */
  readonly uniqueKeys?: readonly (readonly string[])[];
  /** Planner's estimate (`reltuples`), never below 0. */
  readonly estimatedRows: number;
}

/**
 * What is asked of a feed: which tables it can carry and which it is to carry, and table snapshots of them. Every call has
 * a deadline of its own and takes a signal.
 */
export interface TableFeed {
  describeTables(tables: readonly string[], signal: AbortSignal): Promise<readonly SourceTable[]>;
  /**
   * Adds tables to the feed, and columns to what is carried of them: every change committed after it returned comes, with
   * these columns. Takes no column away. Idempotent.
   *
   * @throws SourceTableError naming every table that the feed cannot carry, with what mends it; then none is added.
   * PublicationError when the publication itself is not fit.
   */
  ensureTables(tables: readonly CarriedTable[], signal: AbortSignal): Promise<void>;
  /**
   * Says all that may be carried: from here on nothing of any other column or table leaves the database. Puts no table
   * into the feed. Idempotent.
   */
  carryOnly(tables: readonly CarriedTable[], signal: AbortSignal): Promise<void>;
  /**
   * Takes tables out of the feed. Idempotent. Changes made after it returned do not come; of a transaction that is open
   * meanwhile, those before it may.
   */
  removeTables(tables: readonly string[], signal: AbortSignal): Promise<void>;
  /** Asks the reader for a table snapshot through the signal table. @returns its id. */
  requestTableSnapshot(tables: readonly string[], signal: AbortSignal): Promise<string>;
  /** Asks the reader to stop every table snapshot of these tables. Those that do not run are passed over. */
  stopTableSnapshots(tables: readonly string[], signal: AbortSignal): Promise<void>;
  close(): Promise<void>;
}

import type { Lsn } from '../../rows/lsn.ts';
import type { UnfinishedTransaction } from '../postgres/open-transactions.ts';
import type { CatalogMark } from './catalog-mark.ts';
import type { CarriedTable } from './feed-columns.ts';
import type { SortedPage, SortedRange } from '../postgres/sorted-page.ts';

export type { Lsn, UnfinishedTransaction };
export type { CarriedTable } from './feed-columns.ts';
export type { SortedPage, SortedRange } from '../postgres/sorted-page.ts';

export interface SlotStatus {
  readonly exists: boolean;
  /** True while a reader is connected. */
  readonly active: boolean;
  /** Everything before it is stored on the bus; null without a slot. */
  readonly confirmedFlushLsn: Lsn | null;
  /** WAL kept on disk for the slot, bytes; null when unknown. */
  readonly retainedWalBytes: number | null;
  /** PostgreSQL's `wal_status`: reserved, extended, unreserved, lost; null without a slot. */
  readonly walStatus: string | null;
}

/** Which feed a copy is of. Two that differ have a gap between them, or may have. */
export interface FeedMark {
  readonly incarnation: number;
  /** When that incarnation began, milliseconds since the epoch; null when it is not known. */
  readonly beganAtMs: number | null;
  /** What `feedMembership` said of the copy's tables; null when it is not known. */
  readonly membership: string | null;
}

/** Where a feed stands, as whoever looks after its reader keeps it. What is not known is null. */
export interface FeedPosition {
  /** Everything before this LSN is on the bus. */
  readonly lsn: bigint | null;
  /** When the reader last stored anything, heartbeat included, milliseconds since the epoch. */
  readonly heardAtMs: number | null;
  /** From 1; another one whenever the feed began anew with a possible gap. Copies of an older one are worth nothing. */
  readonly incarnation: number;
  /** Why this incarnation began, for people. */
  readonly incarnationReason: string;
  /** When it began, milliseconds since the epoch. */
  readonly incarnationAtMs: number | null;
  /** Why the feed has to begin anew, while that is not done; else null. Nothing asked of the feed now will come. */
  readonly anewReason: string | null;
  /** What the reader has failed of, for people. Null, or left out, when it has not, as far as is known. */
  readonly failure?: string | null;
}

/** Knows where a feed stands, whoever reads it: the embedded bus, or whoever looks after Debezium. */
export interface FeedHistory {
  /**
   * @param source Name of the source, its slot's.
   * @returns null before the first reader.
   */
  sourcePosition(source: string): Promise<FeedPosition | null>;
}

/** A replication slot of the server, whoever's it is, and the WAL that is kept for it. */
export interface SlotWal {
  readonly name: string;
  /** Null for a physical slot. */
  readonly database: string | null;
  readonly kind: 'logical' | 'physical';
  /** True while somebody is connected. */
  readonly active: boolean;
  /** PostgreSQL's `wal_status`: reserved, extended, unreserved, lost. */
  readonly walStatus: string | null;
  /** Null when the slot keeps none (yet, or no more). */
  readonly retainedWalBytes: number | null;
  /** WAL that may still be written before the slot is in danger of losing some; null without a limit, or once lost. */
  readonly safeWalBytes: number | null;
  /** Since when nobody is connected, milliseconds since the epoch; null while somebody is, and before PostgreSQL 17. */
  readonly inactiveSinceMs: number | null;
}

/** WAL that the server keeps for replication slots. */
export interface WalRetention {
  /** End of the WAL. */
  readonly walLsn: Lsn;
  /** `max_slot_wal_keep_size`; null when it is unlimited. */
  readonly maxSlotWalKeepBytes: number | null;
  readonly slots: readonly SlotWal[];
}

/** How far a table snapshot has come, from the notifications on the bus. */
export interface TableSnapshotProgress {
  readonly id: string;
  readonly table: string;
  /** `failed`: the table is gone, has no primary key, or is not in the feed. `stopped`: somebody asked for that. */
  readonly state: 'requested' | 'running' | 'completed' | 'failed' | 'stopped';
  readonly rowsDone: number | null;
  readonly rowsEstimated: number | null;
}

/** A row that was looked for by its key, as the feed would tell it. */
export interface KeyedRow {
  /** Its key on the bus. */
  readonly key: string;
  /** An `r` as in a table snapshot; a `d` when there is no such row. */
  readonly envelope: string;
}

/** Stands among the tables in `Source.feedMembership` for the publication itself. No table has such a name. */
export const PUBLICATION_MEMBER = 'publication';

/** A table that left the feed, since in it the application could not update and delete its rows. */
export interface UnwritableTable {
  /** `schema.table`. */
  readonly table: string;
  /** What PostgreSQL said. */
  readonly reason: string;
}

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
 * What the control plane asks of a source, embedded or Debezium's. Every call has a deadline of its own and
 * takes a signal.
 */
export interface Source {
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
  /**
   * Looks whether the application can still update and delete rows of every table of the feed, and takes those out at
   * once where it cannot: a change of the table's key, replica identity or columns may have made it so.
   */
  removeUnwritable(signal: AbortSignal): Promise<readonly UnwritableTable[]>;
  /**
   * Says which tables are in the feed with these columns, as a text to compare with an earlier one: a table that was taken
   * out and put in again, or dropped and made again, has another, and so has one of which a column was not carried
   * meanwhile. So has a publication whose settings were changed and put right again, under `PUBLICATION_MEMBER`. Members
   * are `name=id`, separated by blanks; `name=absent` is not in the feed.
   */
  feedMembership(tables: readonly CarriedTable[], signal: AbortSignal): Promise<string>;
  describeTables(tables: readonly string[], signal: AbortSignal): Promise<readonly SourceTable[]>;
  /** Asks the reader for a table snapshot through the signal table. @returns its id. */
  requestTableSnapshot(tables: readonly string[], signal: AbortSignal): Promise<string>;
  /** Asks the reader to stop every table snapshot of these tables. Those that do not run are passed over. */
  stopTableSnapshots(tables: readonly string[], signal: AbortSignal): Promise<void>;
  /**
   * Reads rows by their keys. Sees every transaction whose commit was in the WAL at the time of the call, also one that
   * others do not see yet: it waits for those that have written to the table, 10 s at most.
   *
   * @param question.prefix Topic prefix, for the envelopes.
   * @param question.keys Of each key the values as PostgreSQL's text, in key order.
   * @returns one for each key, in their order. @throws RowsUnreadableError
   */
  readRows(
    question: {
      readonly prefix: string;
      readonly table: string;
      readonly keys: readonly (readonly string[])[];
    },
    signal: AbortSignal,
  ): Promise<readonly KeyedRow[]>;
  /** A position that the feed is sure to reach, also on an idle database, taken now. */
  takePosition(signal: AbortSignal): Promise<Lsn>;
  slotStatus(signal: AbortSignal): Promise<SlotStatus>;
  /**
   * The first rows of a range, in the order in which a service sorts their keys, for verification.
   * @throws KeySortingError when there is no such order.
   */
  readPage(range: SortedRange, signal: AbortSignal): Promise<SortedPage>;
  /**
   * What decides that some columns of tables mean what they meant, to compare with an earlier one by `catalogChanges`.
   * @param columns Column names by `schema.table`.
   */
  catalogMark(
    columns: Readonly<Record<string, readonly string[]>>,
    signal: AbortSignal,
  ): Promise<CatalogMark>;
  /** Transactions of the whole server that have written and not ended, oldest first, at most five. */
  openTransactions(signal: AbortSignal): Promise<readonly UnfinishedTransaction[]>;
  /** All slots of the server, ours among them, and the WAL that they keep. */
  walRetention(signal: AbortSignal): Promise<WalRetention>;
  close(): Promise<void>;
}

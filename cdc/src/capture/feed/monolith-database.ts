import type { Lsn } from '../../rows/lsn.ts';
import type { UnfinishedTransaction } from '../postgres/open-transactions.ts';
import type { SortedPage, SortedRange } from '../postgres/sorted-page.ts';
import type { CatalogMark } from './catalog-mark.ts';
import type { CarriedTable } from './feed-columns.ts';

export type { Lsn } from '../../rows/lsn.ts';
export type { UnfinishedTransaction } from '../postgres/open-transactions.ts';
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

/** A row that was looked for by its key, as the feed would tell it. */
export interface KeyedRow {
  /** Its key on the bus. */
  readonly key: string;
  /** An `r` as in a table snapshot; a `d` when there is no such row. */
  readonly envelope: string;
}

/** Stands among the tables in `MonolithDatabase.feedMembership` for the publication itself. No table has such a name. */
export const PUBLICATION_MEMBER = 'publication';

/** A table that left the feed, since in it the application could not update and delete its rows. */
export interface UnwritableTable {
  /** `schema.table`. */
  readonly table: string;
  /** What PostgreSQL said. */
  readonly reason: string;
}

/**
 * What is asked of the monolith's database itself: the same whoever reads its log. Every call has a deadline of its own and
 * takes a signal.
 */
export interface MonolithDatabase {
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

import type { SliceDefinition } from '@banyan/contracts';
import type { Bus } from '@banyan/cdc/bus';
import type { FeedHistory, Source, TableSnapshotProgress } from '@banyan/cdc/capture';
import type { RowReread } from '@banyan/cdc/verify';
import type { FeedMark, Lsn } from '@banyan/cdc/capture';
import type { ServiceCopy } from '../slices/service-copy.ts';

export type { GroupStatus, StoredRecord } from '@banyan/cdc/bus';
export type {
  CarriedTable,
  FeedHistory,
  FeedMark,
  Lsn,
  TableSnapshotProgress,
  UnfinishedTransaction,
} from '@banyan/cdc/capture';
export type { RowReread } from '@banyan/cdc/verify';

/**
 * What control asks of the monolith's database itself. It is the same whoever reads the log: rows and columns, slots and
 * the WAL that they keep, open transactions, and what the publication holds.
 */
export type MonolithDatabase = Pick<
  Source,
  | 'readPage'
  | 'catalogMark'
  | 'openTransactions'
  | 'walRetention'
  | 'slotStatus'
  | 'feedMembership'
  | 'removeUnwritable'
>;

/** What control asks of whoever carries tables to the bus: which it can carry, which it is to carry, and table snapshots. */
export type TableFeed = Pick<
  Source,
  | 'describeTables'
  | 'ensureTables'
  | 'carryOnly'
  | 'removeTables'
  | 'requestTableSnapshot'
  | 'stopTableSnapshots'
>;

/** What people look at on the bus. */
export type InspectedBus = Pick<Bus, 'topics' | 'groups' | 'usage' | 'read' | 'ends' | 'starts'>;

/** What control does on the bus: reset records, and letting groups go. */
export type ControlBus = Pick<Bus, 'append' | 'release'> & InspectedBus;

/** Follows table snapshots by their notifications on the bus. */
export interface TableSnapshots {
  /** The one of this table (`schema.table`) with this id, without one the newest; null when it is not known. */
  progress(table: string, id?: string): TableSnapshotProgress | null;
  /** Those whose end was not told: they run, wait, or went away with a feed that began anew. */
  open(): readonly { readonly id: string; readonly tables: readonly string[] }[];
}

/** Waits until a service has applied a position that is taken after the call began. */
export interface CaughtUp {
  wait(options: {
    readonly slice: SliceDefinition;
    readonly copy: ServiceCopy;
    /** The feed that the copy is of: the wait fails when it is another one now. Null for any. */
    readonly markOf?: () => Promise<FeedMark | null>;
    readonly signal: AbortSignal;
  }): Promise<{ readonly position: Lsn }>;
}

/** What control knows a feed by. */
export interface FeedParts {
  readonly database: MonolithDatabase;
  readonly feed: TableFeed;
  readonly bus: ControlBus;
  /** Knows where the feed stands, and whether it is still the one that copies are of. */
  readonly history: FeedHistory;
  readonly tableSnapshots: TableSnapshots;
  readonly caughtUp: CaughtUp;
  readonly rowReread: RowReread;
}

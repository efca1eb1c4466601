import type { SliceDefinition } from '@banyan/contracts';
import type { Bus } from '@banyan/cdc/bus';
import type {
  FeedHistory,
  FeedMark,
  Lsn,
  MonolithDatabase as AskedDatabase,
  TableFeed as AskedFeed,
  TableSnapshotProgress,
} from '@banyan/cdc/capture';
import type { RowReread as AskedReread } from '@banyan/cdc/verify';
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

/** What control asks of the monolith's database itself. */
export type MonolithDatabase = Pick<
  AskedDatabase,
  | 'readPage'
  | 'catalogMark'
  | 'openTransactions'
  | 'walRetention'
  | 'slotStatus'
  | 'feedMembership'
  | 'removeUnwritable'
>;

/** What control asks of whoever carries tables to the bus. */
export type TableFeed = Omit<AskedFeed, 'close'>;

/** What control has read again: rows that a service holds records of. */
export type RowReread = Pick<AskedReread, 'readHeld'>;

/** What people look at on the bus. */
export type InspectedBus = Pick<Bus, 'topics' | 'groups' | 'usage' | 'read' | 'ends' | 'starts'>;

/** What control does on the bus: reset records, and letting groups go. */
export type ControlBus = Pick<Bus, 'append' | 'release'> & InspectedBus;

/** Follows table snapshots by their notifications on the bus. */
export interface TableSnapshots {
  /** The one of this table (`schema.table`) with this id, without one the newest; null when it is not known. */
  progress(table: string, id?: string): TableSnapshotProgress | null;
  /** Those whose end was not told: they run, wait, or went away with a feed that restarted. */
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

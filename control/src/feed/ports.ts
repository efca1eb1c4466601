import type { SliceDefinition } from '@banyan/contracts';
import type {
  Bus,
  CarriedTable,
  FeedHistory,
  FeedMark,
  GroupStatus,
  Lsn,
  UnfinishedTransaction,
  RowReread,
  ServiceCopy as Copy,
  ServiceStore,
  Source,
  StoredRecord,
  TableSnapshotProgress,
  VerifyState,
} from '@banyan/cdc';

export type {
  CarriedTable,
  FeedHistory,
  FeedMark,
  GroupStatus,
  Lsn,
  UnfinishedTransaction,
  RowReread,
  Source,
  StoredRecord,
  TableSnapshotProgress,
  VerifyState,
};

/** A service as control asks it: its copy, its store, and what it holds back. */
export type ServiceCopy = Copy & ServiceStore;

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

/** Compares every row of both sides of a slice, and goes on from where an earlier call was interrupted. */
export type Verify = (options: {
  readonly slice: SliceDefinition;
  readonly copy: ServiceCopy;
  /** What the earlier call knew; null to begin. */
  readonly resume: VerifyState | null;
  /** Mends what differs. */
  readonly repair: boolean;
  /** It backs off above this lag from commit to apply, milliseconds. */
  readonly maxLagMs: number;
  readonly signal: AbortSignal;
  /** Awaited after each step that is settled. */
  readonly onProgress: (state: VerifyState) => Promise<void>;
}) => Promise<VerifyState>;

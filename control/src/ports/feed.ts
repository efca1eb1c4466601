import type { SliceDefinition } from '@banyan/contracts';
import type {
  Bus,
  FeedMark,
  GroupStatus,
  Lsn,
  RowRereadProgress,
  ServiceCopy as Copy,
  ServiceStore,
  Source,
  SourceLog,
  StoredRecord,
  TableSnapshotProgress,
} from '@banyan/cdc';

export type { FeedMark, GroupStatus, Lsn, Source, StoredRecord, TableSnapshotProgress };

/** A service as control asks it: its copy, its store, and what it holds back. */
export type ServiceCopy = Copy & ServiceStore;

/** What people look at on the bus. */
export type InspectedBus = Pick<Bus, 'topics' | 'groups' | 'usage' | 'read' | 'ends' | 'starts'>;

/** What control does on the bus: reset records, letting groups go, and reading how far the source came. */
export type ControlBus = Pick<Bus, 'append' | 'release'> & Pick<SourceLog, 'sourcePosition'> & InspectedBus;

/** Follows table snapshots by their notifications on the bus. */
export interface TableSnapshots {
  /** The last one of this table (`schema.table`); null when none was ever reported. */
  progress(table: string): TableSnapshotProgress | null;
  /** A row re-read by its id; null while it is not known. */
  rowReread(id: string): RowRereadProgress | null;
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

/** What a comparison of both sides found. */
export interface VerificationResult {
  readonly rowsSource: number;
  readonly rowsTarget: number;
  readonly differences: number;
  readonly examples: readonly string[];
}

/** Compares every row of both sides of a slice. */
export type Verify = (options: {
  readonly slice: SliceDefinition;
  readonly copy: ServiceCopy;
  readonly signal: AbortSignal;
  readonly onProgress: (progress: {
    readonly table: string;
    /** Rows of this table compared so far. */
    readonly rows: number;
    /** Over all tables so far. */
    readonly differences: number;
  }) => void;
}) => Promise<VerificationResult>;

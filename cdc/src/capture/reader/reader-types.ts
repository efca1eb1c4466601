import type { Closable, Logger } from '@banyan/kit';
import type { SourceFencedError, SourceLog } from '../../bus/bus.ts';
import type { Lsn } from '../feed/monolith-database.ts';
import type { OpenTableSnapshot } from '../table-snapshot/table-snapshot-history.ts';
import type { TableSnapshotsOptions } from '../table-snapshot/table-snapshots.ts';
import type { ReaderStoppedError } from '../feed/reader-error.ts';

/** What a reader is started with. */
export interface ReaderOptions extends Pick<
  TableSnapshotsOptions,
  'chunkRows' | 'maxBacklogBytes' | 'storeTargetMs' | 'whenRoom'
> {
  /** PostgreSQL's URL of a role with REPLICATION that may read the tables. */
  readonly sourceUrl: string;
  /** Where records and position are stored. Not closed by the reader. */
  readonly log: SourceLog;
  /** Topic prefix, e.g. `shop`. */
  readonly prefix: string;
  /** Replication slot; also the source's name on the bus. Made when missing. */
  readonly slot: string;
  /** Publication. Made when missing. */
  readonly publication: string;
  /** `schema.table` of the outbox, whose rows are put on the bus as events. Default: none. */
  readonly outboxTable?: string | undefined;
  /** Default 1,000. */
  readonly heartbeatIntervalMs?: number;
  /** After a break the feed begins anew at most once in so many milliseconds. Default 10,000. */
  readonly incarnationGapMs?: number;
  readonly logger: Logger;
  /** Stops the reader like `close()`. */
  readonly signal?: AbortSignal;
}

/** How a reader is, as of now. */
export interface ReaderStatus {
  readonly state: 'connecting' | 'streaming' | 'stopped';
  /** Why it is not streaming, for people; null while it is. */
  readonly problem: string | null;
  readonly epoch: number | null;
  /** Raised by one whenever the feed began anew with a possible gap, and why it did; null before the first connection. */
  readonly incarnation: number | null;
  readonly incarnationReason: string | null;
  /** End of the last whole transaction stored; null before the first connection. */
  readonly storedLsn: Lsn | null;
  readonly confirmedLsn: Lsn | null;
  /** End of the WAL that the server has told of. */
  readonly receivedLsn: Lsn | null;
  /** When the server was last heard, and what the last stored heartbeat says; milliseconds since the epoch. */
  readonly heardAtMs: number | null;
  readonly heartbeatAtMs: number | null;
  readonly tableSnapshots: readonly OpenTableSnapshot[];
}

/** A running reader of one slot. */
export interface Reader extends Closable {
  status(): ReaderStatus;
  /** Resolves when reading has ended: null after `close()`, else why it stopped for good. Never rejects. */
  readonly stopped: Promise<ReaderStoppedError | SourceFencedError | null>;
}

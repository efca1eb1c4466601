import type { LongText } from '../rows/long-text.ts';

/** One record on a topic. Key and value are JSON text; a null value under a row's key is a tombstone. */
export interface BusRecord {
  readonly topic: string;
  readonly key: string | null;
  readonly headers: Readonly<Record<string, string>>;
  readonly value: string | null;
  /** Where to append it, on a bus of several partitions a topic. Default: chosen by `partitionKey`. */
  readonly partition?: number;
  /** Goes to the partition of records with this key. Default: `key`. */
  readonly partitionKey?: string;
}

/** A record with its place: offsets rise by one within a partition, from 0. */
export interface StoredRecord extends BusRecord {
  readonly partition: number;
  readonly offset: number;
  /** When the bus stored it, milliseconds since the epoch. */
  readonly storedAtMs: number;
}

/** See `ConsumeOptions`: together they bound what a consumer holds, and how long a store is busy with one batch. */
export const DEFAULT_BATCH_RECORDS = 2_000;
export const DEFAULT_BATCH_BYTES = 8_000_000;

/** Where to go on reading: the offset of the next record wanted. */
export interface TopicPosition {
  readonly topic: string;
  readonly partition: number;
  readonly nextOffset: number;
}

export interface ConsumeOptions {
  /** Topics and where each starts. A topic that does not exist yet is waited for. */
  readonly from: readonly TopicPosition[];
  /** Most records handed over at once. Default 2,000. */
  readonly maxBatchRecords?: number;
  /** Most bytes of values handed over at once; a record that is larger comes alone. Default 8,000,000. */
  readonly maxBatchBytes?: number;
  /**
   * Gets records in order per partition, and the next call only after this one has settled (that is the
   * backpressure). A rejection ends `consume` with the same error.
   */
  onBatch(records: readonly StoredRecord[]): Promise<void>;
  readonly signal: AbortSignal;
}

/** How far a group has applied one partition of a topic. */
export interface GroupTopic extends TopicPosition {
  /** Records that the group has not applied; those that are gone already are not counted. */
  readonly lagRecords: number;
  /** Their keys, headers and values, bytes; null on a bus that does not know. */
  readonly lagBytes: number | null;
  /** True when the group stands before the first record kept: something that it needed is gone. */
  readonly lost: boolean;
}

/** A group as the bus knows it: what it said last. The truth about what is applied is in the service's own store. */
export interface GroupStatus {
  readonly name: string;
  readonly topics: readonly GroupTopic[];
  readonly lagRecords: number;
  readonly lagBytes: number | null;
  /** When the group last told how far it is, milliseconds since the epoch. */
  readonly lastSeenAtMs: number;
  /** True when it is lost on any of its topics. */
  readonly lost: boolean;
}

/** A topic as the bus keeps it. */
export interface TopicStatus {
  readonly topic: string;
  /** Offset of the first record kept; equal to `nextOffset` when none is. */
  readonly firstOffset: number;
  readonly nextOffset: number;
  readonly records: number;
  /** Keys, headers and values kept, bytes; null on a bus that does not know. */
  readonly bytes: number | null;
}

/** Room that the bus takes and may take. Unknown is null. */
export interface BusUsage {
  /** In use; what was deleted and can be written again is not counted. */
  readonly bytes: number | null;
  /** At which the slowest group is marked lost and at which appends are refused; see `startBusKeeper`. */
  readonly maxBytes: number | null;
  /** Above which the bus warns. */
  readonly warnBytes: number | null;
}

/**
 * The bus: ordered topics of durable records. One contract suite runs against every adapter.
 * At least once towards handlers; exactly once into a store that keeps its positions with its rows.
 *
 * A bus does not keep records for ever: those that every group has passed may go at any time, and when it runs full,
 * those that the slowest group still needs go too. So a reader may find that its offset is gone (`OffsetGoneError`).
 */
export interface Bus {
  /** Tells this bus from every other one, also from a later one at the same place. */
  id(): Promise<string>;
  /**
   * Stores records durably, in this order per topic, all or none.
   * @throws BusFullError when there is no room for them.
   */
  append(records: readonly BusRecord[], signal?: AbortSignal): Promise<void>;
  /**
   * Feeds `onBatch` until the signal aborts; resolves then.
   * @throws OffsetGoneError when records at or after a position are gone, also when that happens while consuming.
   */
  consume(options: ConsumeOptions): Promise<void>;
  /**
   * At most `limit` records from a position on, for people who look. Fewer, or none, at the end.
   * @throws OffsetGoneError
   */
  read(from: TopicPosition, limit: number): Promise<readonly StoredRecord[]>;
  /** The partitions of a topic (`[0]` on the embedded bus), whether or not it holds records yet. */
  partitions(topic: string): Promise<readonly number[]>;
  /** Offset of the first record kept of each partition; 0 for a topic that does not exist yet. */
  starts(topics: readonly string[]): Promise<readonly TopicPosition[]>;
  /** Offset after the last record of each partition. */
  ends(topics: readonly string[]): Promise<readonly TopicPosition[]>;
  topics(): Promise<readonly TopicStatus[]>;
  /**
   * A group tells how far it has applied, so that the bus knows what may go. Only the topics named change; the first
   * call for a topic makes the bus keep what comes after it for this group.
   */
  commit(group: string, positions: readonly TopicPosition[], signal?: AbortSignal): Promise<void>;
  /** Lets a group go, or some of its topics: nothing is kept for it any longer. Idempotent. */
  release(group: string, topics?: readonly string[]): Promise<void>;
  groups(): Promise<readonly GroupStatus[]>;
  usage(): Promise<BusUsage>;
  close(): Promise<void>;
}

/** Thrown by calls on a bus that was closed, and by a `consume` that it was closed under. */
export class BusClosedError extends Error {
  readonly code = 'bus-closed';
  override readonly name = 'BusClosedError';
}

/** A transaction of which a part is stored. The server sends it again from its beginning. */
export interface OpenTransaction {
  /** LSN of its commit record. */
  readonly finalLsn: bigint;
  /** What tells it from another transaction that commits at the same LSN in another history of the server. */
  readonly identity: string;
  /** LSN of the last change stored, and how many changes of this LSN are stored (a COPY has many at one). */
  readonly changeLsn: bigint;
  readonly changesAtLsn: number;
}

/** The last step stored that the server would send again with the same identity, if its history is still the same. */
export interface Witness {
  readonly lsn: bigint;
  readonly identity: string;
}

/** The source's own mark on the bus: how far the WAL has been stored. */
export interface SourcePosition {
  /** Name of the source, one per slot. */
  readonly source: string;
  /** Raised each time a reader takes over; a reader with an older one is refused (a woken zombie). */
  readonly epoch: number;
  /** End LSN of the last whole transaction stored, as an integer. */
  readonly lsn: bigint;
  /** The transaction after `lsn` of which a part is stored; null with none. */
  readonly open: OpenTransaction | null;
  /** Null before the first step. */
  readonly witness: Witness | null;
  /** `system_identifier` and timeline of the server that the LSN belongs to. */
  readonly systemId: string;
  readonly timeline: number;
  /** Id of the publication read through, for a later one of the same name; null when it is not known. */
  readonly publicationId: string | null;
  /** Last time a reader stored anything, heartbeat included. */
  readonly heardAtMs: number;
  /** From 1; raised by one whenever the feed began anew with a possible gap. Copies of an older one are worth nothing. */
  readonly incarnation: number;
  /** Why this incarnation began, for people. */
  readonly incarnationReason: string;
  /** When it began, milliseconds since the epoch; null when it began before this was kept. */
  readonly incarnationAtMs: number | null;
  /** Why the feed has to begin anew, while that is being done; else null. Nothing asked of the feed now will come. */
  readonly anewReason: string | null;
}

/** What a reader that takes over says of the server that it reads. */
export interface SourceStart {
  readonly systemId: string;
  readonly timeline: number;
  /** Where to go on from, if nothing is stored of this incarnation yet. */
  readonly lsn: bigint;
  readonly publicationId?: string | null;
  /**
   * `announce`: the feed has to begin anew; position and incarnation stay as they are until it has.
   * `begin`: it has: incarnation and position are new. Only the one who announced it (`epoch`) may say so.
   */
  readonly anew?:
    | { readonly step: 'announce'; readonly reason: string }
    | { readonly step: 'begin'; readonly epoch: number; readonly reason: string };
}

/** A move of the source's position, by compare-and-set on epoch, `expectedLsn` and `expectedOpen`. */
export interface SourceMove {
  readonly source: string;
  readonly epoch: number;
  readonly expectedLsn: bigint;
  /** Default null. */
  readonly expectedOpen?: OpenTransaction | null;
  readonly lsn: bigint;
  /** Default null. */
  readonly open?: OpenTransaction | null;
  /** Default: it stays as it is. */
  readonly witness?: Witness | null;
}

/** Thrown when another reader has taken over. The only right answer is to stop. */
export class SourceFencedError extends Error {
  readonly code = 'source-fenced';
  override readonly name = 'SourceFencedError';
}

/** A record of the source's. Its value may be too long to be held whole. */
export interface SourceRecord extends Omit<BusRecord, 'value'> {
  readonly value: string | LongText | null;
}

/** What the embedded source needs of a bus beyond `Bus`: records and WAL position stored in one transaction. */
export interface SourceLog extends Bus {
  /** Null before the first reader. */
  sourcePosition(source: string): Promise<SourcePosition | null>;
  /**
   * Takes the source over: raises the epoch by one (1 at first) and returns the position to go on from.
   * @throws SourceFencedError when another reader took over since this one announced a new beginning.
   */
  takeOver(source: string, start: SourceStart): Promise<SourcePosition>;
  /**
   * Appends records and moves the position, in one transaction.
   * @throws SourceFencedError when the stored epoch or position is another.
   */
  appendAt(records: readonly SourceRecord[], move: SourceMove, signal?: AbortSignal): Promise<void>;
}

/** One record on a topic. Key and value are JSON text; a null value under a row's key is a tombstone. */
export interface BusRecord {
  readonly topic: string;
  readonly key: string | null;
  readonly headers: Readonly<Record<string, string>>;
  readonly value: string | null;
}

/** A record with its place: offsets rise by one within a partition, from 0. */
export interface StoredRecord extends BusRecord {
  readonly partition: number;
  readonly offset: number;
  /** When the bus stored it, milliseconds since the epoch. */
  readonly storedAtMs: number;
}

/** See `ConsumeOptions.maxBatchBytes`. */
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
  /** Most records handed over at once. Default 500. */
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

/**
 * The bus: ordered topics of durable records. One contract suite runs against every adapter.
 * At least once towards handlers; exactly once into a store that keeps its positions with its rows.
 */
export interface Bus {
  /** Stores records durably, in this order per topic, all or none. */
  append(records: readonly BusRecord[], signal?: AbortSignal): Promise<void>;
  /** Feeds `onBatch` until the signal aborts; resolves then. */
  consume(options: ConsumeOptions): Promise<void>;
  /** The partitions of a topic (`[0]` on the embedded bus), whether or not it holds records yet. */
  partitions(topic: string): Promise<readonly number[]>;
  /** Offset after the last record of each partition. */
  ends(topics: readonly string[]): Promise<readonly TopicPosition[]>;
  close(): Promise<void>;
}

/** Thrown by calls on a bus that was closed, and by a `consume` that it was closed under. */
export class BusClosedError extends Error {
  readonly code = 'bus-closed';
  override readonly name = 'BusClosedError';
}

/** The source's own mark on the bus: how far the WAL has been stored. */
export interface SourcePosition {
  /** Name of the source, one per slot. */
  readonly source: string;
  /** Raised each time a reader takes over; a reader with an older one is refused (a woken zombie). */
  readonly epoch: number;
  /** End LSN of the last transaction stored, as an integer. */
  readonly lsn: bigint;
  /** `system_identifier` and timeline of the server that the LSN belongs to. */
  readonly systemId: string;
  readonly timeline: number;
  /** Last time a reader stored anything, heartbeat included. */
  readonly heardAtMs: number;
}

/** Thrown when another reader has taken over. The only right answer is to stop. */
export class SourceFencedError extends Error {
  readonly code = 'source-fenced';
  override readonly name = 'SourceFencedError';
}

/** What the embedded source needs of a bus beyond `Bus`: records and WAL position stored in one transaction. */
export interface SourceLog extends Bus {
  /** Null before the first reader. */
  sourcePosition(source: string): Promise<SourcePosition | null>;
  /** Takes the source over: raises the epoch by one (1 at first) and returns the position to go on from. */
  takeOver(
    source: string,
    server: { systemId: string; timeline: number; lsn: bigint },
  ): Promise<SourcePosition>;
  /**
   * Appends records and moves the position, in one transaction, by compare-and-set on epoch and `expectedLsn`.
   * @throws SourceFencedError when the stored epoch or position is another.
   */
  appendAt(
    records: readonly BusRecord[],
    move: { source: string; epoch: number; expectedLsn: bigint; lsn: bigint },
    signal?: AbortSignal,
  ): Promise<void>;
}

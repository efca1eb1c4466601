import type { BusRecord } from '../../bus/bus.ts';
import type { OpenTableSnapshot } from './table-snapshot-history.ts';
import type { TransactionSnapshot } from '../postgres/transaction-visibility.ts';

/** What the stream adds to a step, and what to do once that is stored. */
export interface StepOutcome {
  readonly records: readonly BusRecord[];
  readonly onStored: () => void;
}

/** What the stream changed in a table between a chunk's watermarks. */
export interface Touched {
  /** Bus keys. */
  readonly keys: ReadonlySet<string>;
  readonly truncated: boolean;
}

/** Rows that were read between two watermarks. */
export interface ReadChunk {
  /** What the read saw; null when nothing was read, and so nothing can be out of date. */
  readonly snapshot: TransactionSnapshot | null;
  /** Makes ready what `take` needs, giving way to the stream now and then. */
  prepare(): Promise<void>;
  /** Called when the stream has passed both watermarks, and only if all that was streamed before them was seen. */
  take(touched: Touched): StepOutcome;
  /** It was stored so many milliseconds after its second watermark was written. */
  measured(storeMs: number): void;
}

/** What to read next. */
export interface ChunkPlan {
  /** `schema.table` */
  readonly table: string;
  read(signal: AbortSignal): Promise<ReadChunk>;
}

/** Something that was asked for and is done chunk by chunk, in the order of the stream. */
export interface SnapshotWork {
  readonly id: string;
  /** What is stored of it; null when it is done. */
  readonly open: OpenTableSnapshot | null;
  /** The chunk to read now; null when that depends on one that is under way, or nothing is left. */
  plan(): ChunkPlan | null;
  /** Chunks under way are of no use: go on from what was taken. */
  rewind(): void;
}

import type { CompiledTable } from './mapping.ts';
import type { RangeReader } from './range-reader.ts';
import type { TableChange } from './reduce.ts';

/** How far one partition of a topic has been applied. */
export interface PartitionProgress {
  readonly topic: string;
  readonly partition: number;
  readonly nextOffset: number;
  /** Row events applied since the table was last emptied by a `reset`. */
  readonly appliedRows: number;
}

/** A partition's progress after a batch; refused unless the store still stands at `expectedOffset`. */
export interface ProgressMove extends PartitionProgress {
  readonly expectedOffset: number;
}

/** A record kept aside, with the reason. */
export interface QuarantinedRecord {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  readonly key: string | null;
  readonly headers: Readonly<Record<string, string>>;
  readonly value: string | null;
  readonly reason: string;
}

/** A record in quarantine, as the consumer needs it at its start. */
export interface HeldRecord {
  readonly topic: string;
  readonly key: string | null;
}

/** Everything that one batch changes. */
export interface ApplyBatch {
  readonly tables: readonly { readonly table: CompiledTable; readonly change: TableChange }[];
  readonly progress: readonly ProgressMove[];
  readonly barriers: readonly { readonly id: string; readonly topic: string; readonly partition: number }[];
  /** Topics whose quarantine is emptied first: the table was, too. */
  readonly releasedTopics: readonly string[];
  readonly quarantine: readonly QuarantinedRecord[];
}

/** Thrown when the stored progress is not the expected one: another consumer applies to this store. */
export class ProgressMovedError extends Error {
  readonly code = 'progress-moved';
  override readonly name = 'ProgressMovedError';
}

/** The store's own failure (locked, disk full, no such table). Says no values. */
export class StoreError extends Error {
  readonly code: string;
  override readonly name = 'StoreError';

  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }
}

/** A service's store, as the consumer and the verification need it. */
export interface ApplyStore {
  /** Makes the consumer's own tables when missing, and reads where it stopped. */
  load(): Promise<{
    readonly progress: readonly PartitionProgress[];
    readonly held: readonly HeldRecord[];
  }>;
  /**
   * Applies a batch in one transaction: rows, progress, barriers and quarantine, all or none.
   * @throws RowRejectedError when a row breaks a constraint or has no earlier row to keep a left-out value;
   * ProgressMovedError; StoreError.
   */
  apply(batch: ApplyBatch): Promise<void>;
  /** Partitions on which a barrier was met. The last 1,000 meetings are kept. */
  metBarrier(id: string): Promise<readonly { readonly topic: string; readonly partition: number }[]>;
  /** Rows of the target tables, for verification. */
  readonly ranges: RangeReader;
}

import type { StoreReport } from '@banyan/contracts';
import { CodedError } from '@banyan/kit';
import type { CompiledTable } from '../rows/mapping.ts';
import type { RangeReader } from './http/range-reader.ts';
import type { TableChange } from '../rows/reduce.ts';

/** How far one partition of a topic has been applied. */
export interface PartitionProgress {
  readonly topic: string;
  readonly partition: number;
  readonly nextOffset: number;
  /** Row events applied since the table was last emptied by a `reset`. */
  readonly appliedRows: number;
  /** True when records before `nextOffset` were gone before they could be applied; a `reset` ends it. */
  readonly lost: boolean;
  /**
   * True once the table snapshot that the last `reset` announced has come whole: rows of later ones are for other copies.
   * False also where that was not kept yet.
   */
  readonly filled: boolean;
  /** The bus that the offset belongs to (`Bus.id`); null when it was stored before this was kept. */
  readonly busId: string | null;
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

/** A key that is held, as the consumer needs it at its start. Records without a key are counted together. */
export interface HeldKey {
  readonly topic: string;
  readonly key: string | null;
  readonly records: number;
}

/** Names one queue: a key of a topic. */
export interface QueueName {
  readonly topic: string;
  readonly key: string;
}

/** Everything that is held of one key; each record without a key is a queue of its own. */
export interface HeldQueue {
  readonly topic: string;
  readonly key: string | null;
  readonly records: number;
  /** The one that all others wait behind, and why it is held. */
  readonly first: QuarantinedRecord;
  readonly heldSinceMs: number;
}

/** A row that is being read again at the source, and nothing else of whose key has come since that was said. */
export interface RereadWindow extends QueueName {
  readonly partition: number;
  /** Of the re-read. */
  readonly id: string;
  /** When the bus stored that it began, milliseconds since the epoch. */
  readonly openedAtMs: number;
}

/** Everything that one batch changes. */
export interface ApplyBatch {
  readonly tables: readonly { readonly table: CompiledTable; readonly change: TableChange }[];
  readonly progress: readonly ProgressMove[];
  readonly barriers: readonly { readonly id: string; readonly topic: string; readonly partition: number }[];
  /** Topics whose quarantine is emptied first: the table was, too. */
  readonly releasedTopics: readonly string[];
  /** Keys whose queue goes before anything new is held: it was replayed, or its row was read again. Default: none. */
  readonly releasedKeys?: readonly QueueName[];
  readonly quarantine: readonly QuarantinedRecord[];
  /** Windows that go, before new ones come: the same key may be in both. Default: none. */
  readonly closedWindows?: readonly QueueName[];
  readonly openedWindows?: readonly RereadWindow[];
}

/** Thrown when the stored progress is not the expected one: another consumer applies to this store. */
export class ProgressMovedError extends Error {
  readonly code = 'progress-moved';
  override readonly name = 'ProgressMovedError';
}

/** The store's own failure (locked, disk full, no such table). Says no values. */
export class StoreError extends CodedError {}

/** A service's store, as the consumer and the verification need it. */
export interface ApplyStore {
  /** Makes the consumer's own tables when missing, and reads where it stopped. */
  load(): Promise<{
    readonly progress: readonly PartitionProgress[];
    readonly held: readonly HeldKey[];
    /** Longest open first. */
    readonly windows: readonly RereadWindow[];
  }>;
  /**
   * Applies a batch in one transaction: rows, progress, barriers, quarantine and windows, all or none. Foreign keys that can be
   * deferred are checked at its end.
   *
   * @param options.rehearse Does everything, then rolls it back. Default false.
   * @throws RowRejectedError when a row breaks a constraint or has no earlier row to keep a left-out value;
   * ProgressMovedError; StoreError.
   */
  apply(batch: ApplyBatch, options?: { readonly rehearse?: boolean }): Promise<void>;
  /** Partitions on which a barrier was met. The last 1,000 meetings are kept. */
  metBarrier(id: string): Promise<readonly { readonly topic: string; readonly partition: number }[]>;
  /** What is held, longest held first. */
  heldQueues(query: { readonly limit: number }): Promise<readonly HeldQueue[]>;
  /** The records of a queue in the order of their offsets. */
  heldRecords(queue: QueueName): Promise<readonly QuarantinedRecord[]>;
  /** The named tables as they are now; those that do not exist are left out. */
  describe(tables: readonly string[]): Promise<StoreReport>;
  /** Rows of the target tables, for verification. */
  readonly ranges: RangeReader;
}

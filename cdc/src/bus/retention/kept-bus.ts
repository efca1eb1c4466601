import type { Bus, SourceLog } from '../bus.ts';

/** What one step of deleting may take: at most 2,000 records or 4 MiB, so that nobody waits long for the lock. */
export interface DeleteStep {
  readonly topic: string;
  /** Deletes below this offset. */
  readonly before: number;
  /** Deletes only what was stored before this time, milliseconds since the epoch. Default: however new. */
  readonly storedBeforeMs?: number;
  /** True also takes what a group has not applied: it is lost then. Default false: stops at the slowest group. */
  readonly unreadToo?: boolean;
}

/**
 * What keeps an embedded bus bounded; a broker does this by itself. Every call is one short transaction, and two
 * processes that make them at once do each other no harm.
 */
export interface KeptBus extends Bus {
  /** @returns how many records were deleted; 0 when nothing (more) may go. */
  deleteStep(step: DeleteStep): Promise<number>;
  /**
   * Deletes single records, leaving holes: readers that begin at the topic's start go on without an error. The last
   * record of a topic always stays.
   * @returns how many were deleted.
   */
  deleteRecords(topic: string, offsets: readonly number[]): Promise<number>;
  /** Gives at most `maxBytes` (0: none) of unused room back to the disk. @returns bytes that are left to give. */
  giveBack(maxBytes: number): Promise<number>;
  /** Makes the limits known to everybody, and appends through this very object fail beyond `maxBytes`. */
  setLimits(limits: { readonly maxBytes: number; readonly warnBytes: number }): Promise<void>;
  /** How often appends through this very object have met the limit since one was stored. */
  readonly refusals: number;
}

/** The embedded bus, whole: records, the source's position, and what keeps it bounded. */
export interface EmbeddedBus extends KeptBus, SourceLog {}

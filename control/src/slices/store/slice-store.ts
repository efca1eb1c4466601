import type { GateResult, JournalEntry } from '@banyan/contracts';
import { CodedError } from '@banyan/kit';
import type { JournalQuery } from '../../journal/journal-query.ts';
import type { SliceState } from '../domain/slice-state.ts';

/** One step: the state that follows, and what the journal says of it. */
export interface Step {
  /** Epoch that the step was decided on. */
  readonly expectedEpoch: number;
  /** Its epoch is `expectedEpoch + 1`. */
  readonly next: SliceState;
  readonly entry: {
    readonly by: string;
    readonly verb: string;
    readonly from: string;
    readonly to: string;
    readonly reason: string | null;
    readonly evidence: readonly GateResult[];
  };
  readonly atMs: number;
  /** The routes' version goes up by one, and at least to this: proxies may have a higher one than the store. Default 0. */
  readonly atLeastVersion?: number;
}

/** Every slice and the version of the routes made of them, as of one moment. */
export interface StoredSlices {
  readonly version: number;
  readonly slices: readonly SliceState[];
}

/** Somebody else, perhaps another control plane, made a step in between. Nothing was changed. */
export class EpochConflictError extends CodedError<'epoch-conflict'> {
  constructor(slice: string, expectedEpoch: number) {
    super(
      'epoch-conflict',
      `Slice "${slice}" is no longer at epoch ${expectedEpoch}: somebody made a step in between.`,
    );
  }
}

/** Keeps slices' states, the journal and the version of the routes. */
export interface SliceStore {
  /** Adds slices that are not there yet, and raises the version (default at least to 0): what is published next replaces all before. */
  open(initial: readonly SliceState[], atMs: number, atLeastVersion?: number): Promise<void>;
  read(): Promise<StoredSlices>;
  /**
   * State, journal entry and routes version in one transaction, by compare-and-set on the slice's epoch.
   *
   * @returns the journal entry's id.
   * @throws EpochConflictError
   */
  commit(step: Step): Promise<number>;
  /** Oldest first: those after `afterId`, or else the newest `limit`. */
  journal(query: JournalQuery): Promise<readonly JournalEntry[]>;
  close(): Promise<void>;
}

import type { GateResult, JournalEntry } from '@banyan/contracts';
import { describeState, initialState, type SliceState } from '../domain/slice-state.ts';
import type { Clock } from '../ports/clock.ts';
import type { SliceStore, StoredSlices } from '../ports/slice-store.ts';

/** A step to write down: from one state to the next, by whom and why. */
export interface LedgerStep {
  readonly from: SliceState;
  readonly next: SliceState;
  readonly by: string;
  readonly verb: string;
  readonly reason: string | null;
  readonly evidence: readonly GateResult[];
}

/** The one place through which slices' states are read and stepped. Nothing is kept in memory: the store is true. */
export class SliceLedger {
  readonly #store: SliceStore;
  readonly #clock: Clock;
  readonly #listeners = new Set<(next: SliceState) => void>();

  constructor(store: SliceStore, clock: Clock) {
    this.#store = store;
    this.#clock = clock;
  }

  /** Adds slices that were never seen before. */
  open(names: readonly string[]): Promise<void> {
    return this.#store.open(names.map(initialState), this.#clock.nowMs());
  }

  readAll(): Promise<StoredSlices> {
    return this.#store.read();
  }

  /** @throws Error when `open` was not called for this slice. */
  async read(name: string): Promise<SliceState> {
    const state = (await this.#store.read()).slices.find((slice) => slice.name === name);
    if (!state) throw new Error(`Slice "${name}" is not in the store.`);
    return state;
  }

  /** @returns the journal entry's id. @throws EpochConflictError when somebody stepped in between. */
  async commit({ from, next, by, verb, reason, evidence }: LedgerStep): Promise<number> {
    const id = await this.#store.commit({
      expectedEpoch: from.epoch,
      next,
      entry: { by, verb, from: describeState(from), to: describeState(next), reason, evidence },
      atMs: this.#clock.nowMs(),
    });
    for (const listener of this.#listeners) listener(next);
    return id;
  }

  journal(query: Parameters<SliceStore['journal']>[0]): Promise<readonly JournalEntry[]> {
    return this.#store.journal(query);
  }

  /** Calls back after each step made here (not by another control plane). */
  onCommit(listener: (next: SliceState) => void): void {
    this.#listeners.add(listener);
  }
}

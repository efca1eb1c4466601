import type { JournalEntry } from '@banyan/contracts';
import { LateError, type Logger, within } from '@banyan/kit';
import { describeState, initialState, shareOf, type SliceState } from '../domain/slice-state.ts';
import { rollback } from '../domain/transitions.ts';
import type { Clock } from '../../clock.ts';
import { EpochConflictError, type SliceStore, type StoredSlices } from '../store/slice-store.ts';
import { storeFinding, StoreUnwritableError } from './store-failure.ts';
import { UnwrittenSteps, type LedgerStep, type UnwrittenStep } from './unwritten-steps.ts';

/** A store that is asked for longer than this is answered for from memory, milliseconds. */
const READ_PATIENCE_MS = 2_000;
/** How long reads that are to be taken back wait for the journal, milliseconds. */
const TAKE_BACK_PATIENCE_MS = 1_000;

/**
 * The one place through which slices' states are read and stepped. The store is true; memory speaks for it only while
 * it cannot be read, and holds steps that take reads back while it cannot be written. Those are in force at once, and
 * written as soon as the store can be, before anything else of that slice.
 */
export class SliceLedger {
  readonly #store: SliceStore;
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #listeners = new Set<(next: SliceState) => void>();
  readonly #unwritten = new UnwrittenSteps();
  #known: StoredSlices | null = null;
  #readProblem: string | null = null;
  /** Highest version that any proxy was heard to use: what is written next goes beyond it. */
  #heardVersion = 0;
  #flushing: Promise<void> | null = null;

  constructor(deps: { readonly store: SliceStore; readonly clock: Clock; readonly log: Logger }) {
    this.#store = deps.store;
    this.#clock = deps.clock;
    this.#log = deps.log;
  }

  /** Adds slices that were never seen before. */
  open(names: readonly string[]): Promise<void> {
    return this.#store.open(names.map(initialState), this.#clock.nowMs());
  }

  /** What is in force. @throws what the store throws when it was never read. */
  async readAll(): Promise<StoredSlices> {
    return this.#unwritten.over(await this.#readStore());
  }

  /** @throws Error when `open` was not called for this slice. */
  async read(name: string): Promise<SliceState> {
    const state = (await this.readAll()).slices.find((slice) => slice.name === name);
    if (!state) throw new Error(`Slice "${name}" is not in the store.`);
    return state;
  }

  /**
   * @returns the journal entry's id.
   * @throws EpochConflictError when somebody stepped in between; StoreUnwritableError.
   */
  async commit(step: LedgerStep): Promise<number> {
    await this.#writeEarlier(step);
    try {
      return await this.#write(step, this.#clock.nowMs());
    } catch (cause) {
      if (cause instanceof EpochConflictError) throw cause;
      throw new StoreUnwritableError(storeFinding(cause), { cause });
    }
  }

  /**
   * As `commit`, for a step that takes reads back from the service: it is in force whether or not it can be written.
   *
   * @returns the journal entry's id; null while it is not in the journal yet.
   * @throws EpochConflictError; StoreUnwritableError when another step of the slice has not been written yet.
   */
  async takeBack(step: LedgerStep): Promise<number | null> {
    await this.#writeEarlier(step);
    const atMs = this.#clock.nowMs();
    const writing = this.#write(step, atMs);
    try {
      return await within(TAKE_BACK_PATIENCE_MS, writing);
    } catch (cause) {
      if (cause instanceof EpochConflictError) throw cause;
      const late = cause instanceof LateError ? writing : null;
      this.#keep({ step, atMs, reason: storeFinding(cause), late });
      return null;
    }
  }

  /** Writes what is not written yet, as far as it can be. Does not throw. */
  flush(): Promise<void> {
    this.#flushing ??= this.#flush().finally(() => {
      this.#flushing = null;
    });
    return this.#flushing;
  }

  /** A proxy uses routes of this version. */
  hear(version: number): void {
    this.#heardVersion = Math.max(this.#heardVersion, version);
  }

  /** Why a step of the slice is in force and not in the journal; null when all are. */
  unwrittenReason(name: string): string | null {
    return this.#unwritten.all().find(([slice]) => slice === name)?.[1].reason ?? null;
  }

  /** What is wrong with the store as far as it was used, for people; empty when nothing is. */
  problems(): readonly string[] {
    return [
      ...this.#unwritten
        .all()
        .map(
          ([slice, { step, reason }]) =>
            `the ${step.verb} of ${slice} by ${step.by} is in force, but NOT in the journal yet (${reason}); ` +
            'it is written as soon as the store can be, and lost to the journal if control ends before',
        ),
      ...(this.#readProblem === null
        ? []
        : [`the control plane's store cannot be read (${this.#readProblem}); states are as last known`]),
    ];
  }

  journal(query: Parameters<SliceStore['journal']>[0]): Promise<readonly JournalEntry[]> {
    return this.#store.journal(query);
  }

  /** Calls back after each step made here (not by another control plane). */
  onCommit(listener: (next: SliceState) => void): void {
    this.#listeners.add(listener);
  }

  async #readStore(): Promise<StoredSlices> {
    try {
      this.#known = await within(READ_PATIENCE_MS, this.#store.read());
      this.#readProblem = null;
      return this.#known;
    } catch (error) {
      if (this.#known === null) throw error;
      this.#readProblem = storeFinding(error);
      return this.#known;
    }
  }

  async #write(step: LedgerStep, atMs: number): Promise<number> {
    const { from, next, by, verb, reason, evidence } = step;
    const id = await this.#store.commit({
      expectedEpoch: from.epoch,
      next,
      entry: { by, verb, from: describeState(from), to: describeState(next), reason, evidence },
      atMs,
      atLeastVersion: this.#nextVersion(),
    });
    if (this.#known) this.#known = withState(this.#known, next);
    if (!this.#unwritten.has(next.name)) this.#tell(next);
    return id;
  }

  #nextVersion(): number {
    return Math.max(this.#heardVersion, this.#unwritten.over({ version: 0, slices: [] }).version) + 1;
  }

  #tell(next: SliceState): void {
    for (const listener of this.#listeners) listener(next);
  }

  async #writeEarlier({ from }: LedgerStep): Promise<void> {
    if (this.#unwritten.size > 0) await within(READ_PATIENCE_MS, this.flush()).catch(() => undefined); // seen below
    const reason = this.unwrittenReason(from.name);
    if (reason !== null) throw new StoreUnwritableError(reason);
  }

  #keep(unwritten: UnwrittenStep): void {
    const { step, reason } = unwritten;
    const version = Math.max(this.#known?.version ?? 0, this.#heardVersion);
    this.#unwritten.keep(unwritten, version);
    this.#log.error(
      { slice: step.next.name, verb: step.verb, reason },
      'reads were taken back; the journal could not be written and is tried again',
    );
    this.#tell(step.next);
  }

  async #flush(): Promise<void> {
    for (const [slice, unwritten] of this.#unwritten.all()) {
      try {
        await this.#writeLate(slice, unwritten);
        this.#unwritten.settle(slice);
        this.#log.info(
          { slice, verb: unwritten.step.verb },
          'a step that was in force is in the journal now',
        );
      } catch (error) {
        this.#unwritten.failedAgain(slice, storeFinding(error));
      }
    }
  }

  async #writeLate(slice: string, { step, atMs, late }: UnwrittenStep): Promise<void> {
    const wasWritten = await late?.then(
      () => true,
      () => false, // that try failed: here is the next
    );
    if (wasWritten) {
      // Written under a version below the one that proxies have by now.
      await this.#store.open([], this.#clock.nowMs(), this.#nextVersion());
      return;
    }
    try {
      await this.#write(step, atMs);
    } catch (error) {
      if (!(error instanceof EpochConflictError)) throw error;
      await this.#decideAgain(slice, step, atMs);
    }
  }

  /** Another control plane stepped meanwhile, on the same store. A person's rollback still holds. */
  async #decideAgain(slice: string, step: LedgerStep, atMs: number): Promise<void> {
    const now = (await this.#store.read()).slices.find(({ name }) => name === slice);
    const decision = now && shareOf(now) > 0 && step.verb === 'rollback' ? rollback(now) : null;
    if (now && decision?.ok) await this.#write({ ...step, from: now, next: decision.next }, atMs);
    else
      this.#log.error(
        { slice, verb: step.verb },
        'a step was overtaken by another one, and is not in the journal',
      );
  }
}

function withState(known: StoredSlices, next: SliceState): StoredSlices {
  const slices = known.slices.map((state) => (state.name === next.name ? next : state));
  return { version: known.version + 1, slices };
}

import type { VerificationReport } from '@banyan/contracts';
import { randomUUID } from 'node:crypto';
import { messageOf } from '@banyan/kit';
import { KeySortingError } from '@banyan/cdc/capture';
import { MappingError, VerifyUnsupportedError } from '@banyan/cdc/verify';
import { completeCopyOf, type Verification } from '../slices/domain/slice-state.ts';
import type { Clock } from '../clock.ts';
import type { Verify } from './verify.ts';
import type { StoredVerification, VerificationStore } from './verification-store.ts';
import type { EvidenceCollector } from '../gates/evidence-collector.ts';
import type { ManagedSlice } from '../slices/managed-slice.ts';
import { isOfCopy, mappingFingerprint } from './mapping-fingerprint.ts';
import type { SliceLedger } from '../slices/ledger/slice-ledger.ts';
import {
  givenUp,
  NoCompleteCopyError,
  VerificationJournal,
  VerificationRunningError,
  type AskedBy,
} from './verification-journal.ts';
import { describeReport, reportOf, rowsCompared, summaryOf } from './verification-report.ts';

export interface VerificationDeps {
  readonly ledger: SliceLedger;
  readonly store: VerificationStore;
  readonly verify: Verify;
  readonly clock: Clock;
  readonly evidence: EvidenceCollector;
}

export interface VerificationRun {
  readonly verification: Verification;
  readonly journalId: number;
}

interface Running {
  readonly asked: AskedBy;
  /** Resolves once it is written down that it runs. */
  readonly begun: Promise<void>;
  readonly done: Promise<VerificationRun>;
}

interface Known {
  readonly stored: StoredVerification;
  /** Null while it does not run here. */
  readonly pacing: { readonly sinceMs: number; readonly rowsBefore: number } | null;
}

/**
 * Runs verifications, one at a time per slice: who asks while one runs gets that one's result. What is settled is
 * written down range by range; an interrupted one goes on from there, unless copy or mapping are others by then.
 */
export class VerificationRunner {
  readonly #deps: VerificationDeps;
  readonly #journal: VerificationJournal;
  readonly #closing = new AbortController();
  readonly #running = new Map<string, Running>();
  readonly #known = new Map<string, Known>();

  constructor(deps: VerificationDeps) {
    this.#deps = deps;
    this.#journal = new VerificationJournal(deps);
  }

  /** Reads what earlier control planes left. */
  async open(names: readonly string[]): Promise<void> {
    for (const name of names) {
      const stored = await this.#deps.store.read(name);
      if (stored) this.#known.set(name, { stored, pacing: null });
    }
  }

  isRunning(name: string): boolean {
    return this.#running.has(name);
  }

  /** Who asked for a verification of this copy that was interrupted; null when none was. */
  interrupted(name: string, snapshotId: string): AskedBy | null {
    const known = this.#known.get(name)?.stored;
    if (known?.state !== 'running' || known.snapshot !== snapshotId || this.isRunning(name)) return null;
    const { by, reason, repair } = known;
    return { by, reason, repair };
  }

  /** The verification that runs, else the last one; null before the first. */
  report(name: string): VerificationReport | null {
    const known = this.#known.get(name);
    if (!known) return null;
    const { stored, pacing } = known;
    return reportOf(stored, pacing && { ...pacing, nowMs: this.#deps.clock.nowMs() });
  }

  /** How far a verification has come that runs or was interrupted, in words; null when there is none. */
  progress(name: string, snapshotId: string | null): string | null {
    const report = this.report(name);
    if (this.isRunning(name)) {
      return report?.state === 'running' ? describeReport(report) : 'verification: starting';
    }
    const isOpen = report && snapshotId !== null && this.interrupted(name, snapshotId) !== null;
    return isOpen ? describeReport(report) : null;
  }

  /**
   * Verifies a complete copy and writes the result down, whatever it is.
   *
   * @throws NoCompleteCopyError, VerificationRunningError, and what the comparison throws when a side cannot be read.
   */
  run(slice: ManagedSlice, asked: AskedBy): Promise<VerificationRun> {
    return this.#start(slice, asked).done;
  }

  /** Begins like `run`, and resolves once it is written down that it runs. Whether it ends is told by `report`. */
  async begin(slice: ManagedSlice, asked: AskedBy): Promise<void> {
    const { begun, done } = this.#start(slice, asked);
    done.catch(() => {
      // the report says it
    });
    await begun;
  }

  #start(slice: ManagedSlice, asked: AskedBy): Running {
    const running = this.#running.get(slice.name);
    if (running) {
      if (running.asked.repair || !asked.repair) return running;
      throw new VerificationRunningError(
        `A verification of ${slice.name} runs that only looks; wait until it is done, then repair.`,
      );
    }
    const begun = Promise.withResolvers<undefined>();
    const done = this.#run(slice, asked, () => begun.resolve(undefined)).finally(() => {
      this.#running.delete(slice.name);
    });
    // What fails before it has begun is told to both.
    done.catch((error: unknown) => begun.reject(error));
    begun.promise.catch(() => {
      // told by `done` to those who do not wait for the beginning
    });
    const started = { asked, begun: begun.promise, done };
    this.#running.set(slice.name, started);
    return started;
  }

  async #run(slice: ManagedSlice, asked: AskedBy, begun: () => void): Promise<VerificationRun> {
    const { verify } = this.#deps;
    let stored = await this.#beginOrGoOn(slice, asked);
    const pacing = { sinceMs: this.#deps.clock.nowMs(), rowsBefore: rowsCompared(stored) };
    this.#known.set(slice.name, { stored, pacing });
    begun();
    try {
      const result = await verify({
        slice: slice.definition,
        copy: slice.copy,
        maxLagMs: slice.limits.maxLagMs,
        resume: stored.progress,
        repair: asked.repair,
        signal: this.#closing.signal,
        onProgress: async (progress) => {
          stored = { ...stored, progress };
          await this.#refuseGivenUp(slice, stored);
          await this.#save(stored);
          this.#known.set(slice.name, { stored, pacing });
        },
      });
      return await this.#finish(slice, { ...stored, progress: result }, asked);
    } catch (error) {
      await this.#interrupt(stored, error);
      throw error;
    }
  }

  /** A rollback takes the copy away, and a change of the source makes it suspect: what was found before is of no use. */
  async #refuseGivenUp(slice: ManagedSlice, stored: StoredVerification): Promise<void> {
    if (!isOfCopy(await this.#deps.ledger.read(slice.name), slice, stored)) throw givenUp(slice.name);
  }

  async #beginOrGoOn(slice: ManagedSlice, asked: AskedBy): Promise<StoredVerification> {
    const { ledger, store, clock } = this.#deps;
    const copy = completeCopyOf(await ledger.read(slice.name));
    if (!copy) throw new NoCompleteCopyError(`Slice "${slice.name}" has no complete copy to verify.`);
    const { snapshotId: snapshot } = copy;
    const mapping = mappingFingerprint(slice.definition, copy.feed.catalog ?? null);
    const last = await store.read(slice.name);
    const isSame = last?.snapshot === snapshot && last.mapping === mapping && last.repair === asked.repair;
    const earlier = last?.state === 'running' && isSame ? last : null;
    if (asked.repair && !earlier) await this.#journal.repairBegun(slice, snapshot, asked);
    const stored: StoredVerification = {
      slice: slice.name,
      run: randomUUID(),
      snapshot,
      mapping,
      state: 'running',
      by: asked.by,
      reason: asked.reason,
      repair: asked.repair,
      startedAtMs: earlier?.startedAtMs ?? clock.nowMs(),
      finishedAtMs: null,
      error: null,
      progress: earlier?.progress ?? null,
    };
    await store.begin(stored);
    return stored;
  }

  async #save(stored: StoredVerification): Promise<void> {
    if (await this.#deps.store.save(stored)) return;
    throw new Error(`another control plane has gone on with the verification of ${stored.slice}`);
  }

  async #finish(slice: ManagedSlice, stored: StoredVerification, asked: AskedBy): Promise<VerificationRun> {
    const finishedAtMs = this.#deps.clock.nowMs();
    const verification = summaryOf(stored.progress, finishedAtMs);
    // 1. The result. Killed after it, the verification only ends once more.
    const journalId = await this.#journal.finished(slice, stored, { asked, verification });
    // 2. Nothing is left to go on with.
    const finished: StoredVerification = { ...stored, state: 'finished', finishedAtMs, error: null };
    await this.#save(finished);
    this.#known.set(slice.name, { stored: finished, pacing: null });
    return { verification, journalId };
  }

  async #interrupt(stored: StoredVerification, error: unknown): Promise<void> {
    const state = isLasting(error) ? 'failed' : 'running';
    const message = this.#closing.signal.aborted ? 'control was stopped' : messageOf(error);
    const left: StoredVerification = { ...stored, state, error: message };
    this.#known.set(stored.slice, { stored: left, pacing: null });
    await this.#deps.store.save(left).catch(() => {
      // the first error says more, and what was settled is kept already
    });
  }

  /** Ends running verifications and waits for them. */
  async close(): Promise<void> {
    this.#closing.abort(new Error('control is stopping'));
    await Promise.allSettled([...this.#running.values()].map(({ done }) => done));
  }
}

/** Whether it comes again however often it is tried. */
function isLasting(error: unknown): boolean {
  return (
    error instanceof NoCompleteCopyError ||
    error instanceof VerifyUnsupportedError ||
    error instanceof KeySortingError ||
    error instanceof MappingError
  );
}

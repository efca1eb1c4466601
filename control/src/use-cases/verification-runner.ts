import { completeCopyOf, type Verification } from '../domain/slice-state.ts';
import { verified } from '../domain/sync-steps.ts';
import { verification as verificationGate } from '../gates/gates.ts';
import type { Clock } from '../ports/clock.ts';
import type { Verify } from '../ports/feed.ts';
import { EpochConflictError } from '../ports/slice-store.ts';
import type { EvidenceCollector } from './evidence-collector.ts';
import { withDeadline } from './loop.ts';
import type { ManagedSlice } from './managed-slice.ts';
import type { SliceLedger } from './slice-ledger.ts';

const VERIFY_DEADLINE_MS = 30 * 60_000;
const COMMIT_ATTEMPTS = 10;

/** Who asked for a verification, for the journal. */
export interface AskedBy {
  readonly by: string;
  readonly reason: string | null;
}

export interface VerificationDeps {
  readonly ledger: SliceLedger;
  readonly verify: Verify;
  readonly clock: Clock;
  readonly evidence: EvidenceCollector;
}

export interface VerificationRun {
  readonly verification: Verification;
  readonly journalId: number;
}

/** There is nothing to verify, or what was verified is gone. */
export class NoCompleteCopyError extends Error {
  readonly code = 'not-possible';
  override readonly name = 'NoCompleteCopyError';
}

/** Runs verifications, one at a time per slice: who asks while one runs gets that one's result. */
export class VerificationRunner {
  readonly #deps: VerificationDeps;
  readonly #closing = new AbortController();
  readonly #running = new Map<string, Promise<VerificationRun>>();
  readonly #progress = new Map<string, string>();

  constructor(deps: VerificationDeps) {
    this.#deps = deps;
  }

  /** How far a running verification has come, in words; null when none runs. */
  progress(name: string): string | null {
    return this.#running.has(name) ? (this.#progress.get(name) ?? 'verification: starting') : null;
  }

  /**
   * Verifies a complete copy and writes the result down, whatever it is.
   *
   * @throws NoCompleteCopyError, and what the comparison throws when a side cannot be read.
   */
  run(slice: ManagedSlice, asked: AskedBy): Promise<VerificationRun> {
    const running = this.#running.get(slice.name);
    if (running) return running;
    const run = this.#run(slice, asked).finally(() => {
      this.#running.delete(slice.name);
      this.#progress.delete(slice.name);
    });
    this.#running.set(slice.name, run);
    return run;
  }

  async #run(slice: ManagedSlice, asked: AskedBy): Promise<VerificationRun> {
    const { ledger, verify, clock } = this.#deps;
    const copy = completeCopyOf(await ledger.read(slice.name));
    if (!copy) throw new NoCompleteCopyError(`Slice "${slice.name}" has no complete copy to verify.`);
    const result = await verify({
      slice: slice.definition,
      copy: slice.copy,
      signal: withDeadline(this.#closing.signal, VERIFY_DEADLINE_MS),
      onProgress: ({ table, rows, differences }) => {
        const found = `${rows.toLocaleString('en-US')} rows of ${table} compared, ${differences} differences`;
        this.#progress.set(slice.name, `verification: ${found}`);
      },
    });
    const verification = {
      ...result,
      examples: result.examples.slice(0, 10),
      finishedAtMs: clock.nowMs(),
    };
    const journalId = await this.#record(slice, copy.snapshotId, verification, asked);
    return { verification, journalId };
  }

  /** The result belongs to the copy, not to an epoch: a step made meanwhile does not outdate it. */
  async #record(
    slice: ManagedSlice,
    snapshotId: string,
    verification: Verification,
    asked: AskedBy,
  ): Promise<number> {
    const { ledger, evidence } = this.#deps;
    for (let attempt = 1; ; attempt += 1) {
      const from = await ledger.read(slice.name);
      const next = verified(from, snapshotId, verification);
      if (!next) throw new NoCompleteCopyError(`The copy of slice "${slice.name}" was given up meanwhile.`);
      try {
        const gate = verificationGate(evidence.evidence(slice, next, []));
        return await ledger.commit({ from, next, ...asked, verb: 'verify', evidence: [gate] });
      } catch (error) {
        if (!(error instanceof EpochConflictError) || attempt === COMMIT_ATTEMPTS) throw error;
      }
    }
  }

  /** Ends running verifications and waits for them. */
  async close(): Promise<void> {
    this.#closing.abort(new Error('control is stopping'));
    await Promise.allSettled(this.#running.values());
  }
}

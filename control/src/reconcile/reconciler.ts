import { messageOf, type Logger, type Work } from '@banyan/kit';
import { resync } from '../slices/domain/resync.ts';
import { suspected } from '../slices/domain/suspect.ts';
import { completeCopyOf, copyOf, shareOf, type SliceState } from '../slices/domain/slice-state.ts';
import type { Clock } from '../clock.ts';
import { EpochConflictError } from '../slices/store/slice-store.ts';
import type { CanaryGuard } from './canary-guard.ts';
import type { EvidenceCollector } from '../gates/evidence-collector.ts';
import type { FeedLook } from '../feed/feed-continuity.ts';
import type { ManagedSlice } from '../slices/managed-slice.ts';
import type { ProxyRegistry } from '../routes/proxy-registry.ts';
import type { SliceLedger } from '../slices/ledger/slice-ledger.ts';
import type { LedgerStep } from '../slices/ledger/unwritten-steps.ts';
import type { SyncDriver } from '../feed/sync-driver.ts';
import { recoverRollback } from './unwritten-rollback.ts';
import type { VerificationRunner } from '../verification/verification-runner.ts';

const INTERVAL_MS = 1_000;
/** After a verification that could not be made, milliseconds. */
const VERIFY_RETRY_MS = 10_000;

export interface ReconcilerDeps {
  readonly ledger: SliceLedger;
  readonly driver: SyncDriver;
  readonly guard: CanaryGuard;
  readonly evidence: EvidenceCollector;
  readonly verifications: VerificationRunner;
  readonly proxies: Pick<ProxyRegistry, 'live'>;
  readonly clock: Clock;
  readonly log: Logger;
}

/**
 * Brings each slice from what its state says is wanted to what is: a loop per slice, so that the trouble of one does
 * not hold up another. It keeps nothing that matters in memory and goes on after a restart where the store says.
 */
export class Reconciler {
  readonly #deps: ReconcilerDeps;
  readonly #trouble = new Map<string, string>();
  readonly #verifyTriedAtMs = new Map<string, number>();
  /** The phase that a slice's run is working on, with the means to end it. */
  readonly #runs = new Map<string, { readonly phase: string; readonly abort: AbortController }>();

  constructor(deps: ReconcilerDeps) {
    this.#deps = deps;
    // A rollback does not wait for the step that it makes pointless.
    deps.ledger.onCommit((next) => {
      const run = this.#runs.get(next.name);
      const isAnew = copyOf(next)?.step === 'starting';
      if (run && (run.phase !== next.phase || isAnew))
        run.abort.abort(new Error(`the slice is in ${next.phase} now`));
    });
  }

  /** What keeps a slice from going on, in words; null when nothing does. */
  trouble(name: string): string | null {
    return this.#trouble.get(name) ?? null;
  }

  /** One look at one slice, and the step that is due. Errors are kept as the slice's trouble, not thrown. */
  async tick(slice: ManagedSlice, signal: AbortSignal): Promise<void> {
    const { ledger, driver, guard, log } = this.#deps;
    const abort = new AbortController();
    try {
      const state = await ledger.read(slice.name);
      this.#runs.set(slice.name, { phase: state.phase, abort });
      // 1. A copy with a gap answers nobody, paused or not; all else comes after that.
      if (await this.#givenUp(slice, state, signal)) return;
      if (await recoverRollback(this.#deps, state)) return;
      // 2.
      await guard.check(slice, state);
      this.#verifyIfDue(slice, state);
      await driver.step(slice, state, AbortSignal.any([signal, abort.signal]));
      this.#trouble.delete(slice.name);
    } catch (error) {
      // Somebody made a step in between: the next look sees it.
      if (signal.aborted || abort.signal.aborted || error instanceof EpochConflictError) return;
      log.warn({ slice: slice.name, err: error }, 'a step failed and is tried again');
      this.#trouble.set(slice.name, messageOf(error));
    } finally {
      this.#runs.delete(slice.name);
    }
  }

  /** @returns whether the copy was found worthless and is to be resynced, or suspect, and is to be verified. */
  async #givenUp(slice: ManagedSlice, state: SliceState, signal: AbortSignal): Promise<boolean> {
    const { evidence, clock, log } = this.#deps;
    const look = await evidence.lookAtFeed(slice, state, signal);
    const broken = look?.broken ?? null;
    if (broken === null) return await this.#suspectIfChanged(slice, state, look?.suspect ?? null);
    const next = resync(state, clock.nowMs());
    if (!next) return false;
    const gates = evidence.servingGates(slice, state);
    await this.#takeBack({ from: state, next, by: 'feed', verb: 'resync', reason: broken, evidence: gates });
    log.error(
      { slice: slice.name, reason: broken },
      'the copy is no longer valid: reads go to the monolith, and it restarts from a new table snapshot',
    );
    return true;
  }

  /** In force at once where it takes reads away, even if it cannot be written yet. */
  async #takeBack(step: LedgerStep): Promise<void> {
    const { ledger } = this.#deps;
    await (shareOf(step.next) < shareOf(step.from) ? ledger.takeBack(step) : ledger.commit(step));
  }

  async #suspectIfChanged(
    slice: ManagedSlice,
    state: SliceState,
    suspect: FeedLook['suspect'],
  ): Promise<boolean> {
    const { evidence, log } = this.#deps;
    const next = suspect && suspected(state, suspect.catalog);
    if (!next) return false;
    const { because: reason } = suspect;
    const gates = evidence.servingGates(slice, state);
    await this.#takeBack({ from: state, next, by: 'feed', verb: 'suspect', reason, evidence: gates });
    this.#verifyTriedAtMs.delete(slice.name);
    log.error(
      { slice: slice.name, reason },
      'rows of the copy may be wrong: reads go to the monolith until it is verified',
    );
    return true;
  }

  /** Not awaited: comparing takes long, and the guard has to look each second meanwhile. */
  #verifyIfDue(slice: ManagedSlice, state: SliceState): void {
    const { clock, verifications, log } = this.#deps;
    const copy = completeCopyOf(state);
    if (!copy || verifications.isRunning(slice.name)) return;
    const interrupted = verifications.interrupted(slice.name, copy.snapshotId);
    const nowMs = clock.nowMs();
    const lastMs = copy.verification?.finishedAtMs ?? null;
    const isStale = lastMs !== null && nowMs - lastMs > slice.limits.maxVerificationAgeMs / 2;
    const isDue = interrupted !== null || lastMs === null || (state.phase === 'canary' && isStale);
    if (!isDue || nowMs - (this.#verifyTriedAtMs.get(slice.name) ?? 0) < VERIFY_RETRY_MS) return;
    this.#verifyTriedAtMs.set(slice.name, nowMs);
    const reason = lastMs === null ? 'the copy is complete' : 'the last one is old';
    verifications
      .run(slice, interrupted ?? { by: 'control', reason, repair: false })
      .catch((error: unknown) => {
        log.warn({ slice: slice.name, err: error }, 'a verification could not be made');
        this.#trouble.set(slice.name, `verification: ${messageOf(error)}`);
      });
  }

  /** A look at each slice, every second. */
  work(slices: readonly ManagedSlice[]): readonly Work[] {
    return slices.map((slice) => ({
      intervalMs: INTERVAL_MS,
      run: (signal) => this.tick(slice, signal),
      onError: (error) => this.#deps.log.error({ slice: slice.name, err: error }, 'reconciling failed'),
    }));
  }
}

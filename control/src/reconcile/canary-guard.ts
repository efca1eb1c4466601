import { formatDuration } from '@banyan/contracts';
import { judgeGateClock, tickGateClock, type GateClock } from './domain/grace.ts';
import { describeGate, pause, rollback } from '../slices/domain/transitions.ts';
import { shareOf, type SliceState } from '../slices/domain/slice-state.ts';
import type { Clock } from '../clock.ts';
import type { EvidenceCollector } from '../gates/evidence-collector.ts';
import type { ManagedSlice } from '../slices/managed-slice.ts';
import type { SliceLedger } from '../slices/ledger/slice-ledger.ts';

export interface CanaryGuardDeps {
  readonly ledger: SliceLedger;
  readonly evidence: EvidenceCollector;
  readonly clock: Clock;
  /** How long a trouble is tolerated, milliseconds. */
  readonly graceMs: number;
}

interface Watch {
  /** What was watched: another share or a resume restarts the clock. */
  readonly of: string;
  readonly clock: GateClock;
  readonly lastMs: number;
}

/**
 * Watches a slice whose reads are with the service. A gate that fails for longer than the grace takes them back; one
 * that cannot be judged for that long pauses the slice for a person.
 */
export class CanaryGuard {
  readonly #deps: CanaryGuardDeps;
  readonly #watches = new Map<string, Watch>();

  constructor(deps: CanaryGuardDeps) {
    this.#deps = deps;
  }

  /** Judges the gates as they are now, and acts. @throws EpochConflictError when somebody was quicker. */
  async check(slice: ManagedSlice, state: SliceState): Promise<void> {
    const { ledger, evidence, clock, graceMs } = this.#deps;
    if (state.phase !== 'canary' || shareOf(state) === 0) {
      this.#watches.delete(slice.name);
      return;
    }
    const nowMs = clock.nowMs();
    const gates = evidence.servingGates(slice, state);
    const of = JSON.stringify([state.share, state.sinceMs, state.paused]);
    const before = this.#watches.get(slice.name);
    // A guard that slept itself did not watch: what it saw before says nothing of the time between.
    const wentOn = before?.of === of && nowMs - before.lastMs <= graceMs;
    const gateClock = tickGateClock(wentOn ? before.clock : new Map(), gates, nowMs);
    this.#watches.set(slice.name, { of, clock: gateClock, lastMs: nowMs });

    const verdict = judgeGateClock(gateClock, nowMs, graceMs);
    if (verdict.action === 'none') return;
    const findings = gates.filter(({ gate }) => verdict.gates.includes(gate)).map(describeGate);
    const reason = `for more than ${formatDuration(graceMs)}: ${findings.join('; ')}`;
    const decision =
      verdict.action === 'rollback' ? rollback(state) : pause(state, { by: 'gate', reason, atMs: nowMs });
    if (!decision.ok) return; // paused already
    const { next } = decision;
    const step = { from: state, next, by: 'gate', verb: verdict.action, reason, evidence: gates };
    await (verdict.action === 'rollback' ? ledger.takeBack(step) : ledger.commit(step));
    this.#watches.delete(slice.name);
  }
}

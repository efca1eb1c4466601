import { formatDuration, type GateResult } from '@banyan/contracts';
import { answerWithin, messageOf, withDeadline } from '@banyan/kit';
import { completeCopyOf, type SliceState } from '../slices/domain/slice-state.ts';
import { freshReport, type Evidence, type ServiceEvidence, type TableCheck } from './domain/evidence.ts';
import { evaluateGates, evaluateServing } from './domain/evaluate.ts';
import type { Clock } from '../clock.ts';
import type { TableSnapshots } from '../feed/ports.ts';
import type { CaughtUpRounds } from '../feed/caught-up-rounds.ts';
import type { FeedContinuity, FeedLook } from '../feed/feed-continuity.ts';
import type { ProxyRegistry } from '../routes/proxy-registry.ts';
import type { ManagedSlice, SliceWithState } from '../slices/managed-slice.ts';
import { describeCopyProgress } from '../feed/copy-progress.ts';
import { checkTables, type CheckedSource } from './table-check.ts';

const SERVICE_DEADLINE_MS = 2_000;
const SOURCE_DEADLINE_MS = 5_000;
/** How often a complete copy is asked to catch up, milliseconds. */
const ROUND_INTERVAL_MS = 3_000;
const TABLE_CHECK_INTERVAL_MS = 10_000;

export interface EvidenceDeps {
  readonly clock: Clock;
  readonly source: CheckedSource;
  readonly tableSnapshots: TableSnapshots;
  readonly rounds: CaughtUpRounds;
  readonly continuity: FeedContinuity;
  readonly proxies: Pick<ProxyRegistry, 'traffic'>;
}

/** Asks services and the source how they are, and keeps the last answers. What was not answered stays unknown. */
export class EvidenceCollector {
  readonly #deps: EvidenceDeps;
  readonly #services = new Map<string, ServiceEvidence>();
  readonly #tables = new Map<string, { readonly check: TableCheck; readonly atMs: number }>();
  readonly #rounds = new Map<string, number>();

  constructor(deps: EvidenceDeps) {
    this.#deps = deps;
  }

  /** Asks the service for its report. Does not throw: no answer is evidence too. */
  async pollService(slice: ManagedSlice, signal: AbortSignal): Promise<void> {
    const { clock } = this.#deps;
    try {
      const report = await slice.copy.sync(withDeadline(signal, SERVICE_DEADLINE_MS));
      this.#services.set(slice.name, { reachable: true, report, atMs: clock.nowMs() });
    } catch (error) {
      if (signal.aborted) return;
      const before = this.#services.get(slice.name);
      const lastReport = before?.reachable ? before.report : (before?.lastReport ?? null);
      this.#services.set(slice.name, {
        reachable: false,
        error: messageOf(error),
        atMs: clock.nowMs(),
        lastReport,
      });
    }
  }

  /** Looks whether the copy is still of today's feed, and of today's tables. Null without a copy. */
  async lookAtFeed(slice: ManagedSlice, state: SliceState, signal: AbortSignal): Promise<FeedLook | null> {
    const report = freshReport(this.service(slice.name), this.#deps.clock.nowMs());
    return await this.#deps.continuity.look(slice, state, report, signal);
  }

  /** What the phase needs besides the service's report: before the copy its tables, after it a round. */
  async pollRest(slice: ManagedSlice, state: SliceState, signal: AbortSignal): Promise<void> {
    const nowMs = this.#deps.clock.nowMs();
    if (state.phase === 'monolith' && slice.tables.length > 0) {
      const last = this.#tables.get(slice.name);
      if (!last || nowMs - last.atMs >= TABLE_CHECK_INTERVAL_MS) await this.#pollTables(slice, signal);
    }
    if (completeCopyOf(state) && nowMs - (this.#rounds.get(slice.name) ?? 0) >= ROUND_INTERVAL_MS) {
      this.#rounds.set(slice.name, nowMs);
      this.#deps.rounds.join(slice).catch(() => {
        // kept as evidence by the rounds
      });
    }
  }

  /** Asks for everything now, so that a verb is decided on evidence of this moment. Does not throw. */
  async refresh(slice: ManagedSlice, state: SliceState, signal: AbortSignal): Promise<void> {
    await Promise.all([
      completeCopyOf(state) ? this.#joinRound(slice, signal) : undefined,
      this.pollService(slice, signal).then(() => this.lookAtFeed(slice, state, signal)),
      state.phase === 'monolith' && slice.tables.length > 0 ? this.#pollTables(slice, signal) : undefined,
    ]);
  }

  async #joinRound(slice: ManagedSlice, signal: AbortSignal): Promise<void> {
    const { rounds } = this.#deps;
    const within = withDeadline(signal, SOURCE_DEADLINE_MS);
    try {
      await answerWithin(within, rounds.join(slice));
    } catch (error) {
      if (signal.aborted) return;
      // Also when the round goes on: an earlier one that succeeded says nothing of what was written since.
      const late = `a position taken now was not applied within ${formatDuration(SOURCE_DEADLINE_MS)}`;
      rounds.giveUp(slice, within.aborted ? late : messageOf(error));
    }
  }

  async #pollTables(slice: ManagedSlice, signal: AbortSignal): Promise<void> {
    const check = await checkTables(slice, this.#deps.source, withDeadline(signal, SOURCE_DEADLINE_MS));
    if (!signal.aborted) this.#tables.set(slice.name, { check, atMs: this.#deps.clock.nowMs() });
  }

  service(name: string): ServiceEvidence | null {
    return this.#services.get(name) ?? null;
  }

  /** @param all Every slice's state and definition, since a table snapshot waits for those of others. */
  evidence(slice: ManagedSlice, state: SliceState, all: readonly SliceWithState[]): Evidence {
    return {
      nowMs: this.#deps.clock.nowMs(),
      state,
      limits: slice.limits,
      hasTables: slice.tables.length > 0,
      traffic: this.#deps.proxies.traffic(slice.name),
      service: this.service(slice.name),
      caughtUp: this.#deps.rounds.evidence(slice.name),
      feed: this.#deps.continuity.last(state),
      copyProgress: describeCopyProgress({ slice, state }, all, this.#deps.tableSnapshots),
      tables: this.#tables.get(slice.name)?.check ?? null,
    };
  }

  /** The verdicts for the next step from this state. */
  gates(slice: ManagedSlice, state: SliceState, all: readonly SliceWithState[]): readonly GateResult[] {
    return evaluateGates(this.evidence(slice, state, all));
  }

  /** The verdicts that keep the reads with the service. */
  servingGates(slice: ManagedSlice, state: SliceState): readonly GateResult[] {
    return evaluateServing(this.evidence(slice, state, []));
  }
}

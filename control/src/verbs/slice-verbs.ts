import { CONTROL_SCHEMA_VERSION, type GateResult, type VerbResponse } from '@banyan/contracts';
import { messageOf } from '@banyan/kit';
import { examplePathOf, nextStepsOf, type CommandSubject } from '../slices/domain/next-steps.ts';
import { resyncAsked } from '../slices/domain/resync.ts';
import { describeState, shareOf, type SliceState } from '../slices/domain/slice-state.ts';
import { advance, pause, resume, rollback, route, type Decision } from '../slices/domain/transitions.ts';
import { isHeldUp } from '../gates/domain/evaluate.ts';
import { VERIFICATION_GATE, verification as verificationGate } from '../gates/domain/gates.ts';
import type { Clock } from '../clock.ts';
import { EpochConflictError } from '../slices/store/slice-store.ts';
import type { EvidenceCollector } from '../gates/evidence-collector.ts';
import type { FeedMonitor } from '../feed/feed-monitor.ts';
import { findSlice, type ManagedSlice, type SliceWithState } from '../slices/managed-slice.ts';
import type { SliceLedger } from '../slices/ledger/slice-ledger.ts';
import type { VerificationRunner } from '../verification/verification-runner.ts';
import { conflict, refusal } from './refusals.ts';
import type { VerbOrder, VerifyOrder } from './verb-order.ts';
import { reasonsAgainstVerifying, verifyPlan } from './verify-verb.ts';

export interface SliceVerbsDeps {
  readonly ledger: SliceLedger;
  readonly evidence: EvidenceCollector;
  readonly verifications: VerificationRunner;
  readonly feed: Pick<FeedMonitor, 'status'>;
  readonly clock: Clock;
  readonly slices: readonly ManagedSlice[];
  /** Called after each step, before it is answered: whoever asks next must see it. */
  readonly published: () => Promise<void>;
}

interface Judged {
  readonly state: SliceState;
  readonly gates: readonly GateResult[];
  readonly decision: Decision;
}

interface Done {
  readonly state: SliceState;
  readonly gates: readonly GateResult[];
  readonly decision: Extract<Decision, { ok: true }>;
  readonly journalId: number | null;
}

const COMMIT_ATTEMPTS = 5;
const VERIFY_FIRST = 'verify first: compare every row of both sides';

/** Carries out verbs: evidence of this moment, decision, compare-and-set, publication. */
export class SliceVerbs {
  readonly #deps: SliceVerbsDeps;

  constructor(deps: SliceVerbsDeps) {
    this.#deps = deps;
  }

  /** @throws UnknownSliceError, RefusedError, and what a side that cannot be read throws while verifying. */
  async perform(name: string, order: VerbOrder, signal: AbortSignal): Promise<VerbResponse> {
    const { ledger, published } = this.#deps;
    const slice = findSlice(this.#deps.slices, name);
    const seen = await ledger.read(name);
    if (order.verb === 'verify') return this.#verify(slice, seen, order);
    for (let attempt = 1; ; attempt += 1) {
      // 1. Decide on the state as it is now. The step that was asked for is the one from the state first seen.
      const { state, gates, decision } = await this.#judge(slice, order, signal);
      if (standing(state) !== standing(seen)) throw conflict(slice, seen, state);
      if (!decision.ok) throw refusal({ subject: await this.#subject(slice, state), state, order, decision });
      if (order.dryRun) return this.#respond(slice, order, { state, gates, decision, journalId: null });
      // 2. Step, if nobody stepped in between. Bookkeeping in between (a verification) is no reason to give up.
      try {
        const { verb, by, reason = null } = order;
        const step = { from: state, next: decision.next, by, verb, reason, evidence: gates };
        const takesBack = shareOf(decision.next) < shareOf(state);
        const journalId = await (takesBack ? ledger.takeBack(step) : ledger.commit(step));
        // 3. Published before it is answered.
        await published();
        return await this.#respond(slice, order, { state, gates, decision, journalId });
      } catch (error) {
        if (!(error instanceof EpochConflictError) || attempt === COMMIT_ATTEMPTS) throw error;
      }
    }
  }

  async #judge(slice: ManagedSlice, order: VerbOrder, signal: AbortSignal): Promise<Judged> {
    const { ledger, evidence, verifications } = this.#deps;
    const state = await ledger.read(slice.name);
    // Steps back and pauses are never held up by evidence, nor by whoever would have to give it.
    if (!isForward(order, state)) return this.#decide(slice, state, order);
    await evidence.refresh(slice, state, signal);
    const judged = await this.#decide(slice, state, order);
    if (judged.decision.ok) return judged;
    const others = judged.gates.filter(({ gate }) => gate !== VERIFICATION_GATE);
    const decision = this.#decision(slice, state, order, others);
    // Something besides the verification stands against it: say all of it.
    if (!decision.ok) return judged;
    if (order.dryRun) return { ...judged, decision: { ...decision, plan: [VERIFY_FIRST, ...decision.plan] } };
    try {
      const reason = `${order.verb} verifies first`;
      await verifications.run(slice, { by: order.by, reason, repair: false });
    } catch (error) {
      const reasons = [`${VERIFICATION_GATE}: it could not be made: ${messageOf(error)}`];
      return { ...judged, decision: { ok: false, code: 'gate-failed', reasons } };
    }
    return this.#decide(slice, await ledger.read(slice.name), order);
  }

  async #decide(slice: ManagedSlice, state: SliceState, order: VerbOrder): Promise<Judged> {
    const gates = this.#deps.evidence.gates(slice, state, await this.#all());
    return { state, gates, decision: this.#decision(slice, state, order, gates) };
  }

  async #all(): Promise<SliceWithState[]> {
    const { ledger, slices } = this.#deps;
    const stored = (await ledger.readAll()).slices;
    return slices.flatMap((each) =>
      stored.filter(({ name }) => name === each.name).map((other) => ({ slice: each, state: other })),
    );
  }

  /** By the evidence at hand: a step back does not wait for new. */
  async #subject(slice: ManagedSlice, state: SliceState): Promise<CommandSubject> {
    const gates = this.#deps.evidence.gates(slice, state, await this.#all());
    const examplePath = examplePathOf(slice.definition.routes);
    return { name: slice.name, examplePath, isHeldUp: isHeldUp(gates) };
  }

  async #respond(slice: ManagedSlice, order: VerbOrder, done: Done): Promise<VerbResponse> {
    const { state, gates, decision, journalId } = done;
    const after = order.dryRun ? state : decision.next;
    return {
      schema_version: CONTROL_SCHEMA_VERSION,
      slice: slice.name,
      verb: order.verb,
      dryRun: order.dryRun,
      from: describeState(state),
      to: describeState(decision.next),
      plan: [...decision.plan],
      gates: [...gates],
      journalId,
      unwritten: order.dryRun ? null : this.#deps.ledger.unwrittenReason(slice.name),
      next_steps: nextStepsOf(after, await this.#subject(slice, after)),
    };
  }

  #decision(
    slice: ManagedSlice,
    state: SliceState,
    order: VerbOrder,
    gates: readonly GateResult[],
  ): Decision {
    const nowMs = this.#deps.clock.nowMs();
    const input = {
      state,
      nowMs,
      gates,
      canaryShares: slice.canaryShares,
      hasTables: slice.tables.length > 0,
    };
    switch (order.verb) {
      case 'advance':
        return advance(order.share === undefined ? input : { ...input, share: order.share });
      case 'route':
        return route({ ...input, share: order.share });
      case 'pause':
        return pause(state, { by: order.by, reason: order.reason, atMs: nowMs });
      case 'resume':
        return resume(state);
      case 'rollback':
        return rollback(state);
      case 'resync':
        return resyncAsked(state, nowMs);
      case 'verify':
        throw new Error('verify makes no step');
    }
  }

  async #verify(slice: ManagedSlice, state: SliceState, order: VerifyOrder): Promise<VerbResponse> {
    const { ledger, evidence, verifications } = this.#deps;
    const reasons = reasonsAgainstVerifying({ slice, state, order, feed: this.#deps.feed.status() });
    if (reasons.length > 0) {
      const decision = { ok: false, code: 'not-possible', reasons } as const;
      throw refusal({ subject: await this.#subject(slice, state), state, order, decision });
    }
    const plan = verifyPlan(order, verifications.report(slice.name));
    const decision = { ok: true, next: state, plan } as const;
    if (order.dryRun) return this.#respond(slice, order, { state, gates: [], decision, journalId: null });
    const asked = { by: order.by, reason: order.reason ?? null, repair: order.repair };
    if (!order.wait) {
      await verifications.begin(slice, asked);
      return this.#respond(slice, order, { state, gates: [], decision, journalId: null });
    }
    const { journalId } = await verifications.run(slice, asked);
    const after = await ledger.read(slice.name);
    const gates = [verificationGate(evidence.evidence(slice, after, []))];
    return this.#respond(slice, order, { state, gates, decision: { ...decision, next: after }, journalId });
  }
}

/** True when the order moves something to the service, so that gates have to pass. */
function isForward(order: VerbOrder, state: SliceState): boolean {
  return order.verb === 'advance' || (order.verb === 'route' && order.share > shareOf(state));
}

/** Where a slice stands for people; bookkeeping such as a verification does not change it. */
function standing(state: SliceState): string {
  return JSON.stringify([describeState(state), state.paused]);
}

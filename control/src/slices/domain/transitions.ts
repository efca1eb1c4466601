import type { GateResult } from '@banyan/contracts';
import { completeCopyOf, formatShare, type SliceState } from './slice-state.ts';

/** Why a verb was refused; stable, for programs. */
export type RefusalCode = 'gate-failed' | 'paused' | 'nothing-to-do' | 'not-possible';

/** What a verb leads to: the next state and what was done for it, or every reason against it. */
export type Decision =
  | { readonly ok: true; readonly next: SliceState; readonly plan: readonly string[] }
  | { readonly ok: false; readonly code: RefusalCode; readonly reasons: readonly string[] };

/** What a step forward is decided on. */
export interface StepInput {
  readonly state: SliceState;
  readonly nowMs: number;
  /** Verdicts on the evidence as it is now. */
  readonly gates: readonly GateResult[];
  /** Shares that canary goes through, rising, the last one 1. */
  readonly canaryShares: readonly number[];
  /** Share asked for, 0 to 1. */
  readonly share?: number;
  /** False: there is nothing to copy, and no `syncing`. Default true. */
  readonly hasTables?: boolean;
}

/** Who asks and why, for what is kept in the state. */
export interface Asked {
  readonly by: string;
  readonly reason: string;
  readonly atMs: number;
}

export const ALL_READS_MOVED = 'all reads have moved; moving the writes is not built yet';

function refuse(code: RefusalCode, ...reasons: string[]): Decision {
  return { ok: false, code, reasons };
}

/** What stands against a step forward: a pause, and every gate that does not pass. */
function obstacles(state: SliceState, gates: readonly GateResult[]): Decision | null {
  const pause = state.paused
    ? [`it was paused by ${state.paused.by}: ${state.paused.reason}; resume it first`]
    : [];
  const failed = gates.filter((gate) => gate.verdict !== 'pass').map(describeGate);
  if (pause.length + failed.length === 0) return null;
  return refuse(pause.length > 0 ? 'paused' : 'gate-failed', ...pause, ...failed);
}

/** `heartbeat (fail): 6 s old (limit 5 s)`. */
export function describeGate({ gate, verdict, got, wanted }: GateResult): string {
  return `${gate} (${verdict}): ${got} (${wanted})`;
}

/** The share that `advance` would go to from here; null when all reads have moved. */
export function nextShare(state: SliceState, canaryShares: readonly number[]): number | null {
  const current = state.phase === 'canary' ? state.share : 0;
  return canaryShares.find((share) => share > current) ?? null;
}

function stepped(state: SliceState): { epoch: number; rolledBack: false } {
  return { epoch: state.epoch + 1, rolledBack: false };
}

function toShare(input: StepInput, share: number, refusals: readonly Decision[] = []): Decision {
  const { state, nowMs, gates, hasTables = true } = input;
  const refused = [...refusals, obstacles(state, gates)].find((decision) => decision !== null);
  if (refused) return refused;
  const copy = completeCopyOf(state);
  if (copy === null && hasTables) {
    return refuse('not-possible', 'the service has no complete copy of the data yet');
  }
  const from = state.phase === 'canary' ? state.share : 0;
  return {
    ok: true,
    next: { ...carried(state), ...stepped(state), phase: 'canary', copy, share, sinceMs: nowMs },
    plan: [
      `send the reads of ${formatShare(share)} of the visitors to the service (${formatShare(from)} before)`,
      'keep all writes on the monolith',
    ],
  };
}

/** One step forward: monolith, syncing, then canary through its shares. */
export function advance(input: StepInput): Decision {
  const { state, share, canaryShares } = input;
  if (share !== undefined && state.phase !== 'canary') {
    return refuse('not-possible', `a share can be given within canary only; the slice is in ${state.phase}`);
  }
  switch (state.phase) {
    case 'monolith':
      if (input.hasTables ?? true) return startSyncing(input);
      return toShare(input, nextShare(state, canaryShares) ?? 1);
    case 'syncing':
    case 'canary': {
      const wanted = share ?? nextShare(state, canaryShares);
      if (state.phase === 'canary' && (wanted === null || state.share === 1)) {
        return refuse('nothing-to-do', ALL_READS_MOVED);
      }
      if (state.phase === 'canary' && wanted !== null && wanted <= state.share) {
        return refuse(
          'not-possible',
          `advance only goes up: the share is ${formatShare(state.share)}, ${formatShare(wanted)} was asked for; use route or rollback`,
        );
      }
      return toShare(input, wanted ?? 1);
    }
  }
}

function startSyncing({ state, nowMs, gates }: StepInput): Decision {
  const refused = obstacles(state, gates);
  if (refused) return refused;
  return {
    ok: true,
    next: {
      ...carried(state),
      ...stepped(state),
      phase: 'syncing',
      copy: { step: 'starting', startedAtMs: nowMs },
    },
    plan: [
      "add the slice's tables to the feed",
      "empty the service's copy of them",
      'take a table snapshot of each, while changes stream',
      'wait until the service has caught up',
      'verify: compare every row of both sides',
      'keep all reads and writes on the monolith',
    ],
  };
}

/** What every phase carries. */
function carried(state: SliceState): Pick<SliceState, 'name' | 'epoch' | 'salt' | 'rolledBack' | 'paused'> {
  const { name, epoch, salt, rolledBack, paused } = state;
  return { name, epoch, salt, rolledBack, paused };
}

/**
 * Sets the share by hand. Lowering it is always allowed; raising it is refused where a pause or a gate stands
 * against it. Leaves `syncing` for `canary` when the copy is complete.
 */
export function route(input: StepInput & { readonly share: number }): Decision {
  const { state, share, nowMs } = input;
  const current = state.phase === 'canary' ? state.share : 0;
  if (share === current) return refuse('nothing-to-do', `the share is ${formatShare(share)} already`);
  if (state.phase === 'canary' && share < current) {
    return {
      ok: true,
      next: { ...state, ...stepped(state), share, sinceMs: nowMs },
      plan: [
        `send the reads of ${formatShare(share)} of the visitors to the service (${formatShare(current)} before)`,
        'the copy goes on streaming',
      ],
    };
  }
  if (state.phase === 'monolith' && (input.hasTables ?? true)) {
    return refuse(
      'not-possible',
      'the service has no copy of the data: its reads would be wrong; advance the slice to syncing first',
    );
  }
  return toShare(input, share);
}

/** Holds every step forward, by whomever, until `resume`. A rollback stays possible. */
export function pause(state: SliceState, asked: Asked): Decision {
  if (state.paused) {
    return refuse('nothing-to-do', `it is paused already, by ${state.paused.by}: ${state.paused.reason}`);
  }
  return {
    ok: true,
    next: { ...state, epoch: state.epoch + 1, paused: asked },
    plan: ['refuse every step forward until resume; the share and the copy stay as they are'],
  };
}

/** Ends a pause. */
export function resume(state: SliceState): Decision {
  if (!state.paused) return refuse('nothing-to-do', 'it is not paused');
  return {
    ok: true,
    next: { ...state, epoch: state.epoch + 1, paused: null },
    plan: ['allow steps forward again'],
  };
}

/**
 * One phase back, whatever the evidence says and paused or not: from canary all reads go to the monolith at once
 * and the copy streams on; from syncing the copy is given up.
 */
export function rollback(state: SliceState): Decision {
  const back = { ...carried(state), epoch: state.epoch + 1, rolledBack: true };
  switch (state.phase) {
    case 'monolith':
      return refuse('nothing-to-do', 'the monolith answers everything already');
    case 'syncing':
      return {
        ok: true,
        next: { ...back, phase: 'monolith', feed: 'attached' },
        plan: [
          'keep all reads and writes on the monolith',
          "give up the service's copy",
          "take the slice's tables out of the feed",
        ],
      };
    case 'canary':
      if (state.copy === null) {
        return {
          ok: true,
          next: { ...back, phase: 'monolith', feed: 'detached' },
          plan: ['send all reads to the monolith at once, over every cohort, pin and header'],
        };
      }
      return {
        ok: true,
        next: { ...back, phase: 'syncing', copy: state.copy },
        plan: [
          'send all reads to the monolith at once, over every cohort, pin and header',
          'keep the copy streaming, so that going forward again is quick',
        ],
      };
  }
}

import { copyOf, type SliceState } from './slice-state.ts';
import type { Decision } from './transitions.ts';

/**
 * The copy is worth nothing: all reads go to the monolith, and it restarts from a new table snapshot. Paused or not, since it is for safety; a
 * pause stays. Null when there is no copy, or it is about to be made anyway.
 */
export function resync(state: SliceState, nowMs: number): SliceState | null {
  const copy = copyOf(state);
  if (!copy || copy.step === 'starting') return null;
  const { name, epoch, salt, paused } = state;
  return {
    name,
    epoch: epoch + 1,
    salt,
    paused,
    phase: 'syncing',
    // Like a rollback, over every cohort, pin and header; a step forward ends it.
    rolledBack: state.rolledBack || state.phase === 'canary',
    copy: { step: 'starting', startedAtMs: nowMs },
  };
}

/** A person wants a resync. */
export function resyncAsked(state: SliceState, nowMs: number): Decision {
  if (copyOf(state) === null) {
    const reasons = ['there is no copy to resync'];
    return { ok: false, code: 'not-possible', reasons };
  }
  const next = resync(state, nowMs);
  if (!next) return { ok: false, code: 'nothing-to-do', reasons: ['a resync is about to start already'] };
  return {
    ok: true,
    next,
    plan: [
      ...(state.phase === 'canary' ? ['send all reads to the monolith at once'] : []),
      "empty the service's copy",
      'take a new table snapshot of each table, while changes stream',
      'wait until the service has caught up, then verify: compare every row of both sides',
    ],
  };
}

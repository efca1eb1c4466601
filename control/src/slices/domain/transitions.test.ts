import { describe, expect, test } from '@jest/globals';
import type { GateResult } from '@banyan/contracts';
import fc from 'fast-check';
import { resync } from './resync.ts';
import { initialState, shareOf, type CompleteCopy, type SliceState } from './slice-state.ts';
import { copyCompleted, feedDetached, snapshotRequested, verified } from './sync-steps.ts';
import { ALL_READS_MOVED, advance, pause, resume, rollback, route, type Decision } from './transitions.ts';

const gate = (name: string, verdict: GateResult['verdict']): GateResult => ({
  gate: name,
  verdict,
  wanted: 'good',
  got: 'as it is',
  remedy: null,
});
const pass = [gate('lag', 'pass')];
const canaryShares = [0.1, 0.5, 1];
const asked = { by: 'ann', reason: 'lunch', atMs: 5 };

const feed = { incarnation: 1, beganAtMs: 1, membership: null };
const verification = { finishedAtMs: 4, rowsSource: 2, rowsTarget: 2, differences: 0, examples: [] };
const copy: CompleteCopy = {
  step: 'complete',
  startedAtMs: 1,
  snapshotId: 's1',
  feed,
  copiedAtMs: 3,
  verification,
};
const common = { name: 'reviews', epoch: 7, salt: 'reviews', rolledBack: false, paused: null };
const monolith = initialState('reviews');
const copying: SliceState = {
  ...common,
  phase: 'syncing',
  copy: { step: 'copying', startedAtMs: 1, snapshotId: 's1', feed },
};
const synced: SliceState = { ...common, phase: 'syncing', copy };
const canary = (share: number): SliceState => ({ ...common, phase: 'canary', copy, share, sinceMs: 9 });

function next(decision: Decision): SliceState {
  if (!decision.ok) throw new Error(decision.reasons.join('; '));
  return decision.next;
}
function reasons(decision: Decision): string {
  return decision.ok ? 'it was done' : `${decision.code}: ${decision.reasons.join('; ')}`;
}
const step = (
  state: SliceState,
  more: object = {},
): { state: SliceState; nowMs: number; gates: GateResult[]; canaryShares: number[] } => ({
  state,
  nowMs: 10,
  gates: pass,
  canaryShares,
  ...more,
});

describe('advance', () => {
  test.each([
    ['monolith', monolith, 'syncing', 0],
    ['a complete copy', synced, 'canary', 0.1],
    ['the first share', canary(0.1), 'canary', 0.5],
    ['a share between the steps', canary(0.2), 'canary', 0.5],
    ['no share', canary(0), 'canary', 0.1],
    ['the last share but one', canary(0.5), 'canary', 1],
  ] as const)('goes one step from %s', (_from, state, phase, share) => {
    const after = next(advance(step(state)));
    expect([after.phase, shareOf(after), after.epoch]).toEqual([phase, share, state.epoch + 1]);
  });

  test('is refused once all reads have moved', () => {
    expect(reasons(advance(step(canary(1))))).toBe(`nothing-to-do: ${ALL_READS_MOVED}`);
  });

  test('is refused with every gate that fails or is inconclusive, and the pause, at once', () => {
    const gates = [gate('lag', 'fail'), gate('heartbeat', 'inconclusive'), gate('quarantine', 'pass')];
    const text = reasons(advance(step({ ...synced, paused: asked }, { gates })));
    expect(text).toContain('paused by ann: lunch');
    expect(text).toContain('lag (fail)');
    expect(text).toContain('heartbeat (inconclusive)');
    expect(text).not.toContain('quarantine');
  });

  test('never leaves syncing without a complete copy, even if a gate would let it', () => {
    expect(reasons(advance(step(copying)))).toContain('no complete copy');
  });

  test('takes a share within canary, upwards only', () => {
    expect(shareOf(next(advance(step(canary(0.1), { share: 0.3 }))))).toBe(0.3);
    expect(reasons(advance(step(canary(0.5), { share: 0.3 })))).toContain('only goes up');
    expect(reasons(advance(step(monolith, { share: 0.3 })))).toContain('within canary only');
  });

  test('ends the mark of a rollback, and keeps the salt, so that the cohorts come back as they were', () => {
    const after = next(advance(step(next(rollback(canary(0.5))))));
    expect(after).toMatchObject({ phase: 'canary', rolledBack: false, salt: 'reviews' });
  });
});

describe('rollback', () => {
  test('takes all reads back and keeps the copy, paused or not', () => {
    const after = next(rollback({ ...canary(0.5), paused: asked }));
    expect(after).toEqual({ ...common, epoch: 8, phase: 'syncing', copy, rolledBack: true, paused: asked });
  });

  test('gives the copy up from syncing, and leaves the tables to be taken out of the feed', () => {
    expect(next(rollback(copying))).toMatchObject({ phase: 'monolith', feed: 'attached', rolledBack: true });
  });

  test('has nothing to do in monolith', () => {
    expect(reasons(rollback(monolith))).toContain('nothing-to-do');
  });
});

describe('route', () => {
  const to = (state: SliceState, share: number, more: object = {}): Decision =>
    route({ ...step(state, more), share });

  test('lowers the share whatever the gates say, paused or not', () => {
    const after = next(to({ ...canary(0.5), paused: asked }, 0, { gates: [gate('lag', 'fail')] }));
    expect([after.phase, shareOf(after)]).toEqual(['canary', 0]);
  });

  test('raises the share when every gate passes, and from a complete copy as well', () => {
    expect(shareOf(next(to(canary(0.1), 0.7)))).toBe(0.7);
    expect(next(to(synced, 0.7)).phase).toBe('canary');
  });

  test('refuses to raise against a gate, and to route to a service without data', () => {
    expect(reasons(to(canary(0.1), 0.7, { gates: [gate('lag', 'fail')] }))).toContain('gate-failed: lag');
    expect(reasons(to(monolith, 0.7))).toContain('no copy of the data');
    expect(reasons(to(copying, 0.7))).toContain('no complete copy');
  });
});

describe('pause and resume', () => {
  test('keep phase and share', () => {
    const paused = next(pause(canary(0.5), asked));
    expect(paused).toMatchObject({ phase: 'canary', share: 0.5, paused: asked });
    expect(next(resume(paused))).toMatchObject({ share: 0.5, paused: null, epoch: 9 });
  });

  test('are refused when there is nothing to do', () => {
    expect(reasons(pause({ ...synced, paused: asked }, asked))).toContain('paused already, by ann');
    expect(reasons(resume(synced))).toContain('not paused');
  });
});

test('a verification counts for the copy that it looked at, in whatever phase, and for no other', () => {
  const found = { ...verification, differences: 3 };
  expect(verified(synced, 's1', found)).toMatchObject({ phase: 'syncing', copy: { verification: found } });
  expect(verified(canary(0.5), 's1', found)).toMatchObject({ share: 0.5, copy: { verification: found } });
  expect(verified(synced, 's0', found)).toBeNull();
  expect(verified(copying, 's1', found)).toBeNull();
  expect(verified(monolith, 's1', found)).toBeNull();
});

test('no order of verbs and events leaves what is allowed, and a rollback leads home from everywhere', () => {
  const event = fc.oneof(
    ...[
      'advance',
      'pause',
      'resume',
      'rollback',
      'requested',
      'copied',
      'verified',
      'detached',
      'resync',
    ].map((kind) => fc.record({ kind: fc.constant(kind), share: fc.constant(0), passes: fc.boolean() })),
    fc.record({ kind: fc.constant('route'), share: fc.double({ min: 0, max: 1 }), passes: fc.boolean() }),
  );
  const applied = (
    state: SliceState,
    { kind, share, passes }: { kind: string; share: number; passes: boolean },
  ): SliceState | null => {
    const input = step(state, { gates: [gate('lag', passes ? 'pass' : 'inconclusive')] });
    const done: Record<string, () => Decision | SliceState | null> = {
      advance: () => advance(input),
      pause: () => pause(state, asked),
      resume: () => resume(state),
      rollback: () => rollback(state),
      route: () => route({ ...input, share }),
      requested: () => snapshotRequested(state, 's1', feed),
      copied: () => copyCompleted(state, 3),
      verified: () => verified(state, 's1', verification),
      detached: () => feedDetached(state),
      resync: () => resync(state, 3),
    };
    const result = done[kind]?.() ?? null;
    return result === null || !('ok' in result) ? result : result.ok ? result.next : null;
  };
  fc.assert(
    fc.property(fc.array(event, { maxLength: 60 }), (events) => {
      let state: SliceState = monolith;
      for (const each of events) {
        const after = applied(state, each);
        if (!after) continue;
        expect(after.epoch).toBe(state.epoch + 1);
        expect(after.salt).toBe(state.salt);
        const movesReads = shareOf(after) > shareOf(state);
        // Reads move to the service only past gates that pass, unpaused, onto a complete copy.
        if (movesReads) expect([each.passes, state.paused]).toEqual([true, null]);
        if (after.phase === 'canary') expect(after.copy?.step).toBe('complete');
        if (after.rolledBack) expect(shareOf(after)).toBe(0);
        if (each.kind === 'resync') {
          expect(after).toMatchObject({ phase: 'syncing', copy: { step: 'starting' }, paused: state.paused });
        }
        expect(shareOf(after)).toBeGreaterThanOrEqual(0);
        expect(shareOf(after)).toBeLessThanOrEqual(1);
        state = after;
      }
      for (let steps = 0; state.phase !== 'monolith'; steps += 1) {
        expect(steps).toBeLessThan(2);
        state = next(rollback(state));
        expect(shareOf(state)).toBe(0);
      }
    }),
    { numRuns: 500 },
  );
});

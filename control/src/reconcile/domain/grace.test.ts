import { expect, test } from '@jest/globals';
import type { GateResult } from '@banyan/contracts';
import { judgeGateClock, tickGateClock, type GateClock, type GuardVerdict } from './grace.ts';

const GRACE_MS = 1_000;

/** What the guard does after these verdicts of one gate, 500 ms apart. */
function after(...verdicts: GateResult['verdict'][]): GuardVerdict {
  let clock: GateClock = new Map();
  let nowMs = 0;
  for (const verdict of verdicts) {
    nowMs += 500;
    clock = tickGateClock(clock, [{ gate: 'lag', verdict, wanted: '', got: '', remedy: null }], nowMs);
  }
  return judgeGateClock(clock, nowMs, GRACE_MS);
}

test.each([
  ['fail', 'fail', 'fail'],
  ['fail', 'fail', 'pass', 'fail', 'fail', 'fail'],
  ['inconclusive', 'inconclusive', 'inconclusive'],
  ['fail', 'fail', 'fail', 'fail', 'pass'],
] as const)('lets a trouble within the grace go: %s %s %s', (...verdicts) => {
  expect(after(...verdicts)).toEqual({ action: 'none' });
});

test('rolls back for a gate that fails for longer than the grace', () => {
  expect(after('fail', 'fail', 'fail', 'fail')).toEqual({ action: 'rollback', gates: ['lag'] });
});

test('pauses for a gate that cannot be judged for longer than the grace', () => {
  const verdict = after('inconclusive', 'inconclusive', 'inconclusive', 'inconclusive');
  expect(verdict).toEqual({ action: 'pause', gates: ['lag'] });
});

test('pauses for a gate that goes back and forth between failing and unknown', () => {
  expect(after('fail', 'inconclusive', 'fail', 'inconclusive')).toEqual({ action: 'pause', gates: ['lag'] });
});

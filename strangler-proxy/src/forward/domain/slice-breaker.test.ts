import { expect, test } from '@jest/globals';
import { SliceBreaker, type Verdict } from './slice-breaker.ts';

let clockMs = 0;
const create = (consecutiveFailures: number): SliceBreaker =>
  new SliceBreaker({ consecutiveFailures, halfOpenAfterMs: 20, nowMs: () => clockMs });

const run = (breaker: SliceBreaker, verdict: Verdict): void => breaker.end(breaker.begin(), verdict);

test('opens after failures in a row, which a success ends and a cancel does not', () => {
  const breaker = create(3);
  for (const verdict of ['failure', 'failure', 'success', 'failure', 'failure', 'cancel'] as const) {
    run(breaker, verdict);
    expect([breaker.state, breaker.isBlocking]).toEqual(['closed', false]);
  }
  run(breaker, 'failure');
  expect([breaker.state, breaker.isBlocking]).toEqual(['open', true]);
});

test('lets one request try, and a cancelled try leaves the question open', () => {
  const breaker = create(1);
  run(breaker, 'failure');
  clockMs += 19;
  expect([breaker.state, breaker.isBlocking, breaker.begin().isProbe]).toEqual(['open', true, false]);
  clockMs += 1;
  expect([breaker.state, breaker.isBlocking]).toEqual(['half-open', false]);
  const ticket = breaker.begin();
  expect([ticket.isProbe, breaker.isBlocking, breaker.begin().isProbe]).toEqual([true, true, false]);
  breaker.end(ticket, 'cancel');
  expect([breaker.state, breaker.isBlocking]).toEqual(['half-open', false]);
  run(breaker, 'success');
  expect(breaker.state).toBe('closed');
});

test('a try that fails opens it for the whole time again, and closing forgets the failures before', () => {
  const breaker = create(2);
  run(breaker, 'failure');
  run(breaker, 'failure');
  clockMs += 20;
  run(breaker, 'failure');
  expect([breaker.state, breaker.isBlocking]).toEqual(['open', true]);
  clockMs += 20;
  run(breaker, 'success');
  run(breaker, 'failure');
  expect([breaker.state, breaker.isBlocking]).toEqual(['closed', false]);
});

test('does not close on the answer to a request from before it opened', () => {
  const breaker = create(1);
  const early = breaker.begin();
  run(breaker, 'failure');
  breaker.end(early, 'success');
  expect(breaker.state).toBe('open');
});

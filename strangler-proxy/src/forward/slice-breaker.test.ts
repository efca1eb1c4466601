import { expect, test } from '@jest/globals';
import { eventually } from '../testing/fixtures.ts';
import type { SliceBreaker } from '../ports.ts';
import { createSliceBreaker } from './slice-breaker.ts';

async function run(breaker: SliceBreaker, outcome: 'success' | 'failure' | 'cancel'): Promise<void> {
  breaker.end(breaker.begin(), outcome);
  await Promise.resolve().then(() => new Promise((resolve) => setImmediate(resolve)));
}

test('opens after failures in a row, which a success ends and a cancel does not', async () => {
  const breaker = createSliceBreaker({ consecutiveFailures: 3 });
  for (const outcome of ['failure', 'failure', 'success', 'failure', 'failure', 'cancel'] as const) {
    await run(breaker, outcome);
    expect([breaker.state, breaker.isBlocking]).toEqual(['closed', false]);
  }
  await run(breaker, 'failure');
  expect([breaker.state, breaker.isBlocking]).toEqual(['open', true]);
});

test('lets one request try, and a cancelled try leaves the question open', async () => {
  const breaker = createSliceBreaker({ consecutiveFailures: 1, halfOpenAfterMs: 20 });
  await run(breaker, 'failure');
  await eventually('it may be tried', () => !breaker.isBlocking);
  const ticket = breaker.begin();
  expect([ticket.isProbe, breaker.isBlocking, breaker.begin().isProbe]).toEqual([true, true, false]);
  breaker.end(ticket, 'cancel');
  expect([breaker.state, breaker.isBlocking]).toEqual(['half-open', false]);
  await run(breaker, 'success');
  expect(breaker.state).toBe('closed');
});

test('does not close on the answer to a request from before it opened', async () => {
  const breaker = createSliceBreaker({ consecutiveFailures: 1 });
  const early = breaker.begin();
  await run(breaker, 'failure');
  breaker.end(early, 'success');
  await new Promise((resolve) => setImmediate(resolve));
  expect(breaker.state).toBe('open');
});

import { afterEach, expect, test } from '@jest/globals';
import { silentLogger } from '@banyan/kit';
import { eventually, Opened } from '../testing/fixtures.ts';
import { createPinTracker, type PinTracker } from './pin-tracker.ts';

const opened = new Opened();
afterEach(() => opened.close());

function startTracker(roundEveryMs: number): {
  tracker: PinTracker;
  askedAtMs: number[];
  answer: (yes: boolean) => void;
} {
  const askedAtMs: number[] = [];
  let answer: (yes: boolean) => void = () => undefined;
  const tracker = createPinTracker({
    isCaughtUp({ signal }) {
      askedAtMs.push(performance.now());
      return new Promise((resolve, reject) => {
        answer = resolve;
        signal.addEventListener('abort', () => reject(new Error('aborted')));
      });
    },
    log: silentLogger,
    roundEveryMs,
  });
  opened.add(() => tracker.close());
  tracker.useSlices(['reviews']);
  return { tracker, askedAtMs, answer: (yes) => answer(yes) };
}

test('starts rounds no closer together than it may', async () => {
  const { tracker, askedAtMs, answer } = startTracker(40);
  for (let round = 1; round <= 4; round++) {
    tracker.isPinned(`nonce ${round}`);
    await eventually(`round ${round} starts`, () => askedAtMs.length === round);
    answer(true);
  }
  const gaps = askedAtMs.slice(1).map((atMs, i) => atMs - (askedAtMs[i] ?? 0));
  for (const gap of gaps) expect(gap).toBeGreaterThan(38); // a timer may fire a fraction early
});

test('asks nothing while no slice copies, and asks anew when another one does', async () => {
  const { tracker, askedAtMs, answer } = startTracker(1);
  tracker.useSlices([]);
  expect(tracker.isPinned('n')).toBe(true);
  await new Promise((resolve) => setTimeout(resolve, 20));
  expect(askedAtMs).toHaveLength(0);
  tracker.useSlices(['reviews']);
  expect(tracker.isPinned('n')).toBe(true);
  await eventually('it asks', () => askedAtMs.length === 1);
  answer(true);
  await eventually('it is free', () => !tracker.isPinned('n'));
  tracker.useSlices(['reviews', 'stock']);
  expect([tracker.isPinned('n'), tracker.mayClear('n')]).toEqual([true, false]);
});

test('closing does not wait for an answer', async () => {
  const { tracker, askedAtMs } = startTracker(1);
  tracker.isPinned('n');
  await eventually('a round runs', () => askedAtMs.length === 1);
  await tracker.close();
  expect(tracker.rounds.failed).toBe(1);
});

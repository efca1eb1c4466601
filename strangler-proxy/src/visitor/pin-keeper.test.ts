import { afterEach, expect, test } from '@jest/globals';
import { silentLogger } from '@banyan/kit';
import { eventually, Opened } from '../testing/fixtures.ts';
import { createPinKeeper, type PinKeeper } from './pin-keeper.ts';

const opened = new Opened();
afterEach(() => opened.close());

function startKeeper(roundEveryMs: number): {
  keeper: PinKeeper;
  askedAtMs: number[];
  answer: (yes: boolean) => void;
} {
  const askedAtMs: number[] = [];
  let answer: (yes: boolean) => void = () => undefined;
  const keeper = createPinKeeper({
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
  opened.add(() => keeper.close());
  keeper.useSlices(['reviews']);
  return { keeper, askedAtMs, answer: (yes) => answer(yes) };
}

test('starts rounds no closer together than it may', async () => {
  const { keeper, askedAtMs, answer } = startKeeper(40);
  for (let round = 1; round <= 4; round++) {
    keeper.isPinned(`nonce ${round}`);
    await eventually(`round ${round} starts`, () => askedAtMs.length === round);
    answer(true);
  }
  const gaps = askedAtMs.slice(1).map((atMs, i) => atMs - (askedAtMs[i] ?? 0));
  for (const gap of gaps) expect(gap).toBeGreaterThan(38); // a timer may fire a fraction early
});

test('asks nothing while no slice copies, and asks anew when another one does', async () => {
  const { keeper, askedAtMs, answer } = startKeeper(1);
  keeper.useSlices([]);
  expect(keeper.isPinned('n')).toBe(true);
  await new Promise((resolve) => setTimeout(resolve, 20));
  expect(askedAtMs).toHaveLength(0);
  keeper.useSlices(['reviews']);
  expect(keeper.isPinned('n')).toBe(true);
  await eventually('it asks', () => askedAtMs.length === 1);
  answer(true);
  await eventually('it is free', () => !keeper.isPinned('n'));
  keeper.useSlices(['reviews', 'stock']);
  expect([keeper.isPinned('n'), keeper.mayClear('n')]).toEqual([true, false]);
});

test('closing does not wait for an answer', async () => {
  const { keeper, askedAtMs } = startKeeper(1);
  keeper.isPinned('n');
  await eventually('a round runs', () => askedAtMs.length === 1);
  await keeper.close();
  expect(keeper.rounds.failed).toBe(1);
});

import { expect, test } from '@jest/globals';
import { createFakeFeed, createTestSlice, type FakeFeed } from '../../testing/fake-feed.ts';
import { createManualClock, type ManualClock } from '../../testing/manual-clock.ts';
import { CaughtUpRounds } from './caught-up-rounds.ts';
import { manageSlice, type ManagedSlice } from '../slices/managed-slice.ts';

interface Bench {
  readonly feed: FakeFeed;
  readonly clock: ManualClock;
  readonly rounds: CaughtUpRounds;
  readonly slice: ManagedSlice;
  /** One for each round that was begun, oldest first; resolve it to let that round end. */
  readonly begun: PromiseWithResolvers<undefined>[];
}

function createBench(): Bench {
  const clock = createManualClock();
  const feed = createFakeFeed(clock);
  const begun: PromiseWithResolvers<undefined>[] = [];
  feed.onCatchUp = () => {
    const round = Promise.withResolvers<undefined>();
    begun.push(round);
    return round.promise;
  };
  const rounds = new CaughtUpRounds({
    caughtUp: feed.caughtUp,
    clock,
    markOf: () => Promise.resolve(null),
    gapMs: 0,
  });
  const slice = manageSlice(createTestSlice(), { url: 'http://127.0.0.1:4001', copy: feed.copy });
  return { feed, clock, rounds, slice, begun };
}

test('those who come while a round runs share the next one, which begins after they came', async () => {
  const { rounds, slice, begun } = createBench();
  const first = rounds.join(slice);
  const later = [rounds.join(slice), rounds.join(slice), rounds.join(slice)];
  expect(begun).toHaveLength(1);
  begun[0]?.resolve(undefined);
  const position = await first;
  while (begun.length < 2) await Promise.resolve();
  const latest = rounds.join(slice);
  begun[1]?.resolve(undefined);
  const positions = new Set(await Promise.all(later));
  expect(positions.size).toBe(1);
  expect(positions).not.toContain(position);
  while (begun.length < 3) await Promise.resolve();
  begun[2]?.resolve(undefined);
  expect(positions).not.toContain(await latest);
  expect(begun).toHaveLength(3);
});

test('evidence is of when the position was taken, not of when it was applied', async () => {
  const { rounds, slice, begun, clock } = createBench();
  expect(rounds.evidence('reviews')).toEqual({ startedAtMs: null, error: null });
  const takenAtMs = clock.nowMs();
  const round = rounds.join(slice);
  clock.advance(7_000);
  begun[0]?.resolve(undefined);
  await round;
  expect(rounds.evidence('reviews')).toEqual({ startedAtMs: takenAtMs, error: null });
});

test('a round that fails keeps the last success, with why, and the next one starts anew', async () => {
  const { rounds, slice, begun, clock, feed } = createBench();
  const takenAtMs = clock.nowMs();
  const good = rounds.join(slice);
  begun[0]?.resolve(undefined);
  await good;
  feed.broken.caughtUp = 'the reader is gone';
  const bad = rounds.join(slice);
  while (begun.length < 2) await Promise.resolve();
  begun[1]?.resolve(undefined);
  await expect(bad).rejects.toThrow('the reader is gone');
  expect(rounds.evidence('reviews')).toEqual({ startedAtMs: takenAtMs, error: 'the reader is gone' });
});

test('closing ends the round that runs', async () => {
  const { rounds, slice } = createBench();
  const round = rounds.join(slice);
  rounds.close();
  await expect(round).rejects.toThrow('aborted');
});

import { expect, test } from '@jest/globals';
import { Freshness } from './freshness.ts';

test('age counts by the monotone clock, from the moment a heartbeat was heard, and what it was late on top', () => {
  let now = 1_000;
  const freshness = new Freshness(() => now);
  now += 700;
  expect([freshness.wasHeard, freshness.ageMs()]).toEqual([false, 700]);
  freshness.hear(50_000, 50_020);
  expect([freshness.wasHeard, freshness.ageMs()]).toEqual([true, 20]);
  now += 3_000; // whatever the wall clock does meanwhile
  expect(freshness.ageMs()).toBe(3_020);
});

test("a source's clock that is ahead makes no heartbeat younger than it is", () => {
  let now = 0;
  const freshness = new Freshness(() => now);
  freshness.hear(90_000, 50_000);
  now += 5_000;
  expect(freshness.ageMs()).toBe(5_000);
});

test('a backlog of old heartbeats is old, however lately it was heard', () => {
  const freshness = new Freshness(() => 0);
  freshness.hear(10_000, 70_000);
  expect(freshness.ageMs()).toBe(60_000);
});

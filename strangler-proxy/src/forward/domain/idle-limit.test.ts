import { expect, test } from '@jest/globals';
import { IdleLimit } from './idle-limit.ts';

test('half of the shortest idle time at which the upstream closed is safe', () => {
  const limit = new IdleLimit();
  expect(limit.safeMs(0)).toBe(Infinity);
  limit.sawClosed(5_000, 1_000);
  limit.sawClosed(4_000, 2_000);
  limit.sawClosed(6_000, 3_000);
  expect(limit.safeMs(3_000)).toBe(2_000);
});

test('a connection used at a greater age raises it; a minute without a closing ends it', () => {
  const limit = new IdleLimit();
  limit.sawClosed(1, 1_000); // a restart
  limit.sawUsed(300);
  expect(limit.safeMs(1_000)).toBe(150);
  limit.sawUsed(200);
  expect(limit.safeMs(1_000)).toBe(150);
  expect(limit.safeMs(61_001)).toBe(Infinity);
});

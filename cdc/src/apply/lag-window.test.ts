import { expect, test } from '@jest/globals';
import { createLagWindow } from './lag-window.ts';

test('without a sample in the last minute nothing is known', () => {
  const window = createLagWindow();
  expect(window.percentiles(1_000)).toBeNull();
  window.record(5, 1_000);
  expect(window.percentiles(60_999)).toMatchObject({ samples: 1 });
  expect(window.percentiles(61_000)).toBeNull();
});

test('percentiles are right within 5 %, from a millisecond to an hour', () => {
  const window = createLagWindow();
  for (let i = 1; i <= 98; i += 1) window.record(12, 1_000 + i);
  window.record(3_600_000, 2_000);
  window.record(3_600_000, 2_000);
  const result = window.percentiles(2_500);
  expect(result?.p50Ms).toBe(12);
  expect(result?.samples).toBe(100);
  expect(result?.p99Ms).toBeGreaterThanOrEqual(3_600_000);
  expect(result?.p99Ms).toBeLessThanOrEqual(3_600_000 * 1.05);
});

test('a minute later the old samples no longer count', () => {
  const window = createLagWindow();
  window.record(1_000, 1_000);
  window.record(10, 61_500);
  expect(window.percentiles(61_600)).toEqual({ p50Ms: 10, p99Ms: 10, samples: 1 });
});

test('clocks that differ give 0, not less', () => {
  const window = createLagWindow();
  window.record(-40, 1_000);
  expect(window.percentiles(1_000)).toMatchObject({ p50Ms: 0 });
});

import { expect, test } from '@jest/globals';
import { RecentLatencies } from './recent-latencies.ts';

test('percentiles are by nearest rank, over what the window still holds', () => {
  const latencies = new RecentLatencies(1_000);
  expect(latencies.percentiles(0)).toEqual({ p50Ms: null, p95Ms: null });
  latencies.add(999, 0);
  for (let i = 1; i <= 100; i++) latencies.add(101 - i, 5_000);
  expect(latencies.percentiles(5_000)).toEqual({ p50Ms: 50, p95Ms: 95 });
  expect(latencies.percentiles(6_001)).toEqual({ p50Ms: null, p95Ms: null });
});

test('keeps the newest when more come than it holds', () => {
  const latencies = new RecentLatencies(1_000);
  for (let i = 0; i < 3_000; i++) latencies.add(i < 1_500 ? 1 : 2, 0);
  expect(latencies.percentiles(0)).toEqual({ p50Ms: 2, p95Ms: 2 });
});

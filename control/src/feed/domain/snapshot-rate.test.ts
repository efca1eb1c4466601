import { expect, test } from '@jest/globals';
import { SnapshotRates } from './snapshot-rate.ts';

const of = (rowsDone: number, rowsEstimated: number | null = 10_000) => ({
  id: 's1',
  rowsDone,
  rowsEstimated,
});

test('a rate is known after two looks, and with an estimate the time that is left', () => {
  const rates = new SnapshotRates();
  rates.observe('public.t', of(1_000), 0);
  expect(rates.rate('public.t', of(1_000))).toEqual({ rowsPerSecond: null, remainingMs: null });
  rates.observe('public.t', of(3_000), 2_000);
  expect(rates.rate('public.t', of(3_000))).toEqual({ rowsPerSecond: 1_000, remainingMs: 7_000 });
  expect(rates.rate('public.t', of(3_000, null))).toEqual({ rowsPerSecond: 1_000, remainingMs: null });
});

test('an estimate that is exceeded says nothing of the time that is left', () => {
  const rates = new SnapshotRates();
  rates.observe('public.t', of(9_000), 0);
  rates.observe('public.t', of(11_000), 2_000);
  expect(rates.rate('public.t', of(11_000))).toEqual({ rowsPerSecond: 1_000, remainingMs: null });
});

test('one that stands still has a rate of 0, and no time left that anybody knows', () => {
  const rates = new SnapshotRates();
  for (const atMs of [0, 20_000, 40_000, 60_000]) rates.observe('public.t', of(5_000), atMs);
  expect(rates.rate('public.t', of(5_000))).toEqual({ rowsPerSecond: 0, remainingMs: null });
});

test('what is older than half a minute does not count, nor does another snapshot of the table', () => {
  const rates = new SnapshotRates();
  rates.observe('public.t', of(0), 0);
  rates.observe('public.t', of(1_000), 31_000);
  rates.observe('public.t', of(5_000), 33_000);
  expect(rates.rate('public.t', of(5_000)).rowsPerSecond).toBe(2_000);
  expect(rates.rate('public.t', { ...of(5), id: 's2' }).rowsPerSecond).toBeNull();
});

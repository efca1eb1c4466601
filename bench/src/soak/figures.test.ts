import { describe, expect, test } from '@jest/globals';
import {
  customerFigures,
  disturbancesOf,
  killFigures,
  lagFigures,
  outagesOf,
  type CustomerSample,
  type Kill,
} from './figures.ts';

const kill = (kind: Kill['kind'], atMs: number, readyMs: number, caughtUpMs: number): Kill => ({
  kind,
  atMs,
  readyAtMs: atMs + readyMs,
  caughtUpAtMs: atMs + caughtUpMs,
});

const sample = (atMs: number, errors: number, staleReads = 0): CustomerSample => ({
  atMs,
  requests: atMs,
  errors,
  staleReads,
});

describe("customers' errors", () => {
  const outages = outagesOf([kill('postgres', 10_000, 2_000, 2_500)]);

  test('count as inside when an outage touches the time since the last look', () => {
    const samples = [sample(8_000, 0), sample(10_500, 4), sample(11_500, 6), sample(20_000, 6)];
    expect(customerFigures(samples, outages)).toMatchObject({ errorsInOutages: 6, errorsOutside: 0 });
  });

  test('count as outside before and after, and their first total does not count', () => {
    const samples = [
      sample(1_000, 5),
      sample(2_000, 6),
      sample(9_000, 6),
      sample(30_000, 8),
      sample(31_000, 9),
    ];
    expect(customerFigures(samples, outages)).toEqual({
      requests: 30_000,
      errorsInOutages: 2, // between 9 s and 30 s: nobody can say when
      errorsOutside: 2,
      staleReads: 0,
    });
  });

  test('are never excused by a kill of a part that something stands in for', () => {
    const others = outagesOf([kill('reader', 1_000, 100, 200), kill('reviews', 2_000, 100, 200)]);
    expect(others).toEqual([]);
    expect(outagesOf([kill('control', 1, 1, 1)])).toEqual([]);
    const samples = [sample(0, 0), sample(1_500, 1), sample(2_500, 2)];
    expect(customerFigures(samples, others)).toMatchObject({ errorsInOutages: 0, errorsOutside: 2 });
  });

  test('stale reads count wherever they were', () => {
    const samples = [sample(9_000, 0, 1), sample(11_000, 0, 3)];
    expect(customerFigures(samples, outages).staleReads).toBe(2);
  });
});

describe('lag', () => {
  const disturbances = disturbancesOf([
    kill('reader', 10_000, 500, 4_000),
    kill('control', 30_000, 3_000, 200),
  ]);

  test('leaves out whatever was under way between a kill and both its ends', () => {
    const samples = [
      { acknowledgedAtMs: 1_000, seenAtMs: 1_010 },
      { acknowledgedAtMs: 9_990, seenAtMs: 14_000 },
      { acknowledgedAtMs: 13_999, seenAtMs: 14_100 },
      { acknowledgedAtMs: 20_000, seenAtMs: 20_030 },
      { acknowledgedAtMs: 32_500, seenAtMs: 32_900 },
    ];
    expect(lagFigures(samples, disturbances)).toEqual({ p50Ms: 10, p99Ms: 30, samples: 2 });
  });

  test('is unknown without a sample outside', () => {
    expect(lagFigures([{ acknowledgedAtMs: 11_000, seenAtMs: 12_000 }], disturbances)).toBeNull();
    expect(lagFigures([], [])).toBeNull();
  });
});

test('kills are told by kind, with the middle one and the longest', () => {
  const kills = [
    kill('reader', 0, 100, 900),
    kill('proxy', 0, 50, 10),
    kill('reader', 10_000, 300, 700),
    kill('reader', 20_000, 200, 800),
  ];
  expect(killFigures(kills)).toEqual([
    { kind: 'reader', kills: 3, readyMs: { median: 200, max: 300 }, caughtUpMs: { median: 800, max: 900 } },
    { kind: 'proxy', kills: 1, readyMs: { median: 50, max: 50 }, caughtUpMs: { median: 10, max: 10 } },
  ]);
});

import { expect, test } from '@jest/globals';
import { feedBenchNames, runFeedBenches } from './run-feed-benches.ts';

test('every benchmark of the feed runs from end to end with a handful of rows, and measures something', async () => {
  const { measurements } = await runFeedBenches({
    names: [],
    sizes: {
      rounds: 1,
      rows: 600,
      snapshotRows: 600,
      verifyRows: 600,
      bigTransactionRows: 600,
      lagMs: 300,
      ratesPerSecond: [50],
    },
  });
  expect(measurements.map(({ name }) => name)).toEqual(feedBenchNames);
  for (const { lines } of measurements) {
    for (const { value } of lines) expect(value).toBeGreaterThanOrEqual(0);
    expect(lines.some(({ value }) => value > 0)).toBe(true);
  }
}, 180_000);

import { expect, test } from '@jest/globals';
import { barsOf } from './bars.ts';
import { runStackBenches, stackBenchNames } from './run-stack-benches.ts';

test('every benchmark of both stacks runs from end to end with a handful of rows, and can be drawn', async () => {
  const { measurements } = await runStackBenches({
    names: [],
    sizes: {
      rounds: 1,
      rows: 600,
      snapshotRows: 1,
      verifyRows: 1,
      bigTransactionRows: 1,
      lagMs: 300,
      ratesPerSecond: [50],
    },
  });
  expect(measurements).toHaveLength(stackBenchNames.length);
  for (const { lines } of measurements) {
    for (const { value } of lines) expect(value).toBeGreaterThanOrEqual(0);
    expect(lines.some(({ value }) => value > 0)).toBe(true);
  }
  expect(barsOf(measurements)).toContain('Debezium: WAL to Kafka');
}, 300_000);

import { expect, test } from '@jest/globals';
import { barsOf } from './bars.ts';
import { runStackBenches } from './run-stack-benches.ts';

// What exactly-once and short waits cost is measured by the pieces of `source` and `lag`, on further starts of Kafka.
const names = ['source', 'sink', 'both-ends', 'lag', 'memory'];

test('the benchmarks of both stacks run from end to end with a handful of rows, and can be drawn', async () => {
  const { measurements } = await runStackBenches({
    names,
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
  expect(measurements).toHaveLength(names.length);
  for (const { lines } of measurements) {
    for (const { value } of lines) expect(value).toBeGreaterThanOrEqual(0);
    expect(lines.some(({ value }) => value > 0)).toBe(true);
  }
  expect(barsOf(measurements)).toContain('Debezium: WAL to Kafka');
}, 600_000);

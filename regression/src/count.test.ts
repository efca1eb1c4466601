import { expect, test } from '@jest/globals';
import { countTests, describeCounts } from './count.ts';

const stats = { expected: 12, unexpected: 0, flaky: 0, skipped: 0 };

test('a clean run is told in one line', () => {
  expect(describeCounts(countTests({ stats, errors: [], suites: [] }))).toBe('12 passed, 0 failed');
});

test('what passed only at a second try, and errors outside of tests, count as failed', () => {
  const report = {
    stats: { ...stats, unexpected: 2, flaky: 1, skipped: 3 },
    errors: [{ message: 'set-up' }],
  };
  expect(describeCounts(countTests(report))).toBe('12 passed, 4 failed, 3 skipped');
});

test('what is no report is an error, not nothing failed', () => {
  expect(() => countTests({})).toThrow();
});

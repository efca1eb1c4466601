/** Prints what a Playwright run came to as one plain line: `node regression/src/count.ts REPORT.json`. */
import { readFile } from 'node:fs/promises';
import { z } from 'zod';

const reportSchema = z.object({
  stats: z.object({
    expected: z.int(),
    unexpected: z.int(),
    flaky: z.int(),
    skipped: z.int(),
  }),
  /** What went wrong outside of tests, e.g. in the global set-up. */
  errors: z.array(z.unknown()),
});

/** How many tests passed, failed and were not run. */
export interface Counts {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

/**
 * Counts of Playwright's JSON report. What passed only when tried again counts as failed, and so does an error
 * outside of tests.
 * @throws Error when it is no such report.
 */
export function countTests(report: unknown): Counts {
  const { stats, errors } = reportSchema.parse(report);
  return {
    passed: stats.expected,
    failed: stats.unexpected + stats.flaky + errors.length,
    skipped: stats.skipped,
  };
}

/** `12 passed, 1 failed`, with `, 2 skipped` when there are any. */
export function describeCounts({ passed, failed, skipped }: Counts): string {
  return `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`;
}

if (import.meta.main) {
  const file = process.argv[2] ?? process.env['PLAYWRIGHT_JSON_OUTPUT_NAME'];
  if (file === undefined) {
    console.error('usage: node regression/src/count.ts REPORT.json');
    process.exitCode = 2;
  } else {
    const counts = countTests(JSON.parse(await readFile(file, 'utf8')));
    console.log(describeCounts(counts));
    // A run of no test at all has shown nothing.
    process.exitCode = counts.failed > 0 || counts.passed === 0 ? 1 : 0;
  }
}

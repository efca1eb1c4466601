import { readFileSync } from 'node:fs';
import { relative } from 'node:path';
import { root } from './run-command.js';

/** What jest's `--json` report says: tests that passed and failed, and how long each file took. */
export function readJestReport(file) {
  const report = JSON.parse(readFileSync(file, 'utf8'));
  const { numPassedTests, numFailedTests, numRuntimeErrorTestSuites, testResults = [] } = report;
  const files = testResults.map(({ name, startTime, endTime }) => ({
    file: relative(root, name),
    seconds: (endTime - startTime) / 1000,
  }));
  return { passed: numPassedTests, failed: numFailedTests + numRuntimeErrorTestSuites, files };
}

/** Lines for a closing report: the test files that took longest. */
export function slowestFiles(files, count = 10) {
  const slowest = [...files].sort((a, b) => b.seconds - a.seconds).slice(0, count);
  return slowest.map(({ file, seconds }) => `${seconds.toFixed(1).padStart(7)} s  ${file}`);
}

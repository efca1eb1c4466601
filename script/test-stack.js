// `npm run test:stack`: the tests that need Kafka, Connect and Debezium (`*.stack.test.ts`), apart from `npm test`, so
// that this needs no Java. Arguments are paths of tests. Where Java or Maven is missing it fails in CI and only says so
// elsewhere. The last line is `N passed, N failed`.
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { closingLine, failedOf } from './closing-line.js';
import { readJestReport, slowestFiles } from './jest-report.js';
import { root, run } from './setup.js';

const { downloadKafka } = await import('../cdc/kafka/src/index.ts');
try {
  let lastSaidMs = 0;
  await downloadKafka({
    onProgress(line) {
      if (Date.now() - lastSaidMs < 2_000) return;
      lastSaidMs = Date.now();
      console.log(line);
    },
  });
} catch (error) {
  const isMissing = error.code === 'tools-missing';
  console.error(`${error.message}\n${isMissing ? 'The tests of the full stack did not run.' : ''}`);
  if (isMissing && process.env.CI !== 'true') process.exit(0);
  console.log(closingLine({ passed: 0, failed: 1 }));
  process.exit(3);
}

const dir = mkdtempSync(join(tmpdir(), 'banyan-test-stack-'));
const report = join(dir, 'report.json');
try {
  const code = await run(process.execPath, [
    '--experimental-vm-modules',
    '--disable-warning=ExperimentalWarning',
    join(root, 'node_modules/jest/bin/jest.js'),
    '--json',
    `--outputFile=${report}`,
    '--maxWorkers=2', // each file has a Kafka of its own
    '--forceExit', // a test that failed may have left something open
    '--testTimeout=120000',
    '--testPathPatterns',
    ...(process.argv.length > 2 ? process.argv.slice(2) : ['\\.stack\\.test\\.ts$']),
  ]);
  // No report at all: jest broke before its first test.
  const counted = existsSync(report) ? readJestReport(report) : { passed: 0, failed: 0, files: [] };
  const failed = failedOf({ code, failed: counted.failed });
  process.exitCode = code === 0 && failed > 0 ? 1 : code;
  const slowest = slowestFiles(counted.files);
  if (slowest.length > 0) console.log(`\nSlowest test files:\n${slowest.join('\n')}\n`);
  console.log(closingLine({ passed: counted.passed, failed }));
} finally {
  rmSync(dir, { recursive: true, force: true });
}

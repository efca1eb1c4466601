// `npm test`: every part in order; a failing part fails the run, and the parts after it still report.
// The last line is `N passed, N failed`: the counts of jest and Playwright, added up, and one for each other part that
// failed.
import { chmodSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { closingLine, failedOf } from './closing-line.js';
import { root, run } from './setup.js';

const only = process.argv.slice(2);
const dir = mkdtempSync(join(tmpdir(), 'banyan-npm-test-'));
chmodSync(dir, 0o755); // PostgreSQL's account must reach it: else the data lie elsewhere, and stay.
const bin = (name) => join(root, 'node_modules', '.bin', name);
const packages = [
  'bench',
  'cdc',
  'cli',
  'contracts',
  'control',
  'extracted',
  'kit',
  'migrations',
  'monolith',
  'postgres',
  'regression',
  'service',
  'strangler-proxy',
];
const jest = (name, ...args) => ({
  name,
  command: process.execPath,
  args: [
    '--experimental-vm-modules',
    '--disable-warning=ExperimentalWarning',
    join(root, 'node_modules/jest/bin/jest.js'),
    '--json',
    `--outputFile=${join(dir, `${name}.json`)}`,
    ...args,
  ],
  counts: () => {
    const { numPassedTests, numFailedTests, numRuntimeErrorTestSuites } = JSON.parse(
      readFileSync(join(dir, `${name}.json`), 'utf8'),
    );
    return { passed: numPassedTests, failed: numFailedTests + numRuntimeErrorTestSuites };
  },
});

const parts = [
  {
    name: 'format',
    command: bin('prettier'),
    // Prettier walks through what it ignores, and fails at a folder that only PostgreSQL's account may read.
    args: ['--check', '--log-level', 'warn', '.', '!**/.banyan*/**'],
  },
  { name: 'lint', command: bin('eslint'), args: ['.'] },
  { name: 'prose', command: process.execPath, args: ['script/lint-prose.ts'] },
  { name: 'types', command: bin('tsc'), args: ['-p', '.'] },
  {
    name: 'boundaries',
    command: bin('depcruise'),
    args: ['--config', '.dependency-cruiser.cjs', ...packages, 'banyan.config.ts'],
  },
  jest('unit', '--testPathIgnorePatterns', '\\.(e2e|stack)\\.test\\.ts$', '/node_modules/'),
  // A test that failed may have left a child behind; the parts after this one report all the same.
  jest('e2e', '--testPathPatterns', '\\.e2e\\.test\\.ts$', '--maxWorkers=1', '--forceExit'),
  {
    name: 'walkthrough',
    command: process.execPath,
    args: ['--disable-warning=ExperimentalWarning', 'cli/src/walkthrough/main.ts', '--auto'],
    env: { BANYAN_HOME: join(dir, 'walkthrough') },
  },
  {
    name: 'browser',
    command: bin('playwright'),
    args: ['test', '--config', 'regression/playwright.config.ts'],
    env: { PLAYWRIGHT_JSON_OUTPUT_NAME: join(dir, 'browser.json') },
    counts: () => {
      const { stats, errors } = JSON.parse(readFileSync(join(dir, 'browser.json'), 'utf8'));
      return { passed: stats.expected + stats.flaky, failed: stats.unexpected + errors.length };
    },
  },
];

const results = [];
for (const part of parts.filter(({ name }) => only.length === 0 || only.includes(name))) {
  console.log(`\n== ${part.name}`);
  const startedAt = Date.now();
  const code = await run(part.command, part.args, { ...process.env, ...part.env });
  let counts = { passed: 0, failed: 0 };
  try {
    if (part.counts) counts = part.counts();
  } catch (error) {
    // No report at all: the part broke before its first test.
    console.error(`${part.name} left no report: ${error.message}`);
    counts = { passed: 0, failed: 1 };
  }
  const seconds = Math.round((Date.now() - startedAt) / 1000);
  results.push({ name: part.name, code, seconds, ...counts, failed: failedOf({ code, ...counts }) });
}
rmSync(dir, { recursive: true, force: true });

console.log('');
for (const { name, seconds, passed, failed } of results) {
  const counted = passed + failed > 0 ? `${passed} passed, ${failed} failed, ` : '';
  console.log(`${failed === 0 ? 'ok    ' : 'FAILED'} ${name.padEnd(12)} ${counted}${seconds} s`);
}
const sum = (key) => results.reduce((total, result) => total + result[key], 0);
if (sum('failed') > 0) process.exitCode = 1;
if (results.length === 0) {
  console.error(`No such part. Parts: ${parts.map(({ name }) => name).join(', ')}.`);
  process.exitCode = 2;
}
console.log(closingLine({ passed: sum('passed'), failed: sum('failed') }));

// `npm test`: every part, two at a time; a failing part fails the run, and the others still report. Arguments name parts.
// The last line is `N passed, N failed`: the counts of jest and Playwright, added up, and one for each other part that
// failed.
import { chmodSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { closingLine } from './closing-line.js';
import { runInPlaces } from './in-places.js';
import { readJestReport, slowestFiles } from './jest-report.js';
import { compileCache, root } from './run-command.js';
import { runPart } from './run-part.js';

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
  counts: () => readJestReport(join(dir, `${name}.json`)),
});

/**
 * In the order in which they begin. Those of one place run two at a time: what waits, for a browser or for the walkthrough's
 * shop, beside what computes. The end-to-end tests have both places, one for each of jest's workers.
 */
const parts = [
  {
    name: 'walkthrough',
    places: 1,
    command: process.execPath,
    args: ['--disable-warning=ExperimentalWarning', 'cli/src/walkthrough/main.ts', '--auto'],
    env: { BANYAN_HOME: join(dir, 'walkthrough'), NODE_COMPILE_CACHE: compileCache },
  },
  { name: 'lint', places: 1, command: bin('eslint'), args: ['.'] },
  { name: 'prose', places: 1, command: process.execPath, args: ['script/lint-prose.ts'] },
  {
    name: 'types',
    places: 1,
    command: bin('tsc'),
    args: ['-p', '.', '--incremental', '--tsBuildInfoFile', 'node_modules/.cache/banyan/types.tsbuildinfo'],
  },
  {
    name: 'format',
    places: 1,
    command: bin('prettier'),
    // Prettier walks through what it ignores, and fails at a folder that only PostgreSQL's account may read.
    args: ['--check', '--log-level', 'warn', '.', '!**/.banyan*/**'],
  },
  {
    name: 'boundaries',
    places: 1,
    command: bin('depcruise'),
    args: ['--config', '.dependency-cruiser.cjs', ...packages, 'banyan.config.ts'],
  },
  // Not while the walkthrough runs: both prefer port 8080 for customers.
  {
    name: 'browser',
    places: 1,
    command: bin('playwright'),
    args: ['test', '--config', 'regression/playwright.config.ts'],
    env: { PLAYWRIGHT_JSON_OUTPUT_NAME: join(dir, 'browser.json'), NODE_COMPILE_CACHE: compileCache },
    counts: () => {
      const { stats, errors } = JSON.parse(readFileSync(join(dir, 'browser.json'), 'utf8'));
      return { passed: stats.expected + stats.flaky, failed: stats.unexpected + errors.length };
    },
  },
  {
    ...jest(
      'unit',
      '--testPathIgnorePatterns',
      '\\.(e2e|stack)\\.test\\.ts$',
      '/node_modules/',
      '--maxWorkers=1',
    ),
    places: 1,
  },
  {
    // A test that failed may have left a child behind; the report comes all the same.
    ...jest('e2e', '--testPathPatterns', '\\.e2e\\.test\\.ts$', '--maxWorkers=2', '--forceExit'),
    places: 2,
  },
];

const chosen = parts.filter(({ name }) => only.length === 0 || only.includes(name));
const results = [];
const running = new Map();
let isStopped = false;
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => (isStopped = true));
// So that whoever reads along sees that it goes on.
const ticker = setInterval(() => {
  if (running.size < 2) return;
  const each = [...running].map(
    ([name, startedAt]) => `${name} ${Math.round((Date.now() - startedAt) / 1000)} s`,
  );
  console.log(`.. running: ${each.join(', ')}`);
}, 30_000);
const startedAt = Date.now();
await runInPlaces({
  jobs: chosen,
  places: 2,
  isStopped: () => isStopped,
  async run(part, isAlone) {
    running.set(part.name, Date.now());
    const outputFile = join(dir, `${part.name}.out`);
    results.push(await runPart(part, { outputFile, isAlone, print: (text) => console.log(text) }));
    running.delete(part.name);
  },
});
clearInterval(ticker);
rmSync(dir, { recursive: true, force: true });

const slowest = slowestFiles(results.flatMap(({ files }) => files));
console.log(slowest.length > 0 ? `\nSlowest test files:\n${slowest.join('\n')}\n` : '');
for (const { name, seconds, passed, failed } of results) {
  const counted = passed + failed > 0 ? `${passed} passed, ${failed} failed, ` : '';
  console.log(`${failed === 0 ? 'ok    ' : 'FAILED'} ${name.padEnd(12)} ${counted}${seconds} s`);
}
for (const { name } of chosen.filter((part) => !results.some((result) => result.name === part.name)))
  console.log(`FAILED ${name.padEnd(12)} did not run`);
console.log(`${Math.round((Date.now() - startedAt) / 1000)} s in all`);
const notRun = chosen.length - results.length;
const sum = (key) => results.reduce((total, result) => total + result[key], 0);
const failed = sum('failed') + notRun;
if (failed > 0) process.exitCode = 1;
if (isStopped) process.exitCode = 130;
if (chosen.length === 0) {
  console.error(`No such part. Parts: ${parts.map(({ name }) => name).join(', ')}.`);
  process.exitCode = 2;
}
console.log(closingLine({ passed: sum('passed'), failed }));

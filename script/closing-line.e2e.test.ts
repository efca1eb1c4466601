import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from '@jest/globals';

const root = join(import.meta.dirname, '..');
let checkout: string;

/** A checkout with our scripts, and tools that end as a test wants. */
beforeAll(() => {
  checkout = mkdtempSync(join(tmpdir(), 'banyan-checkout-'));
  for (const path of ['script', '.ci']) cpSync(join(root, path), join(checkout, path), { recursive: true });
});

afterAll(() => rmSync(checkout, { recursive: true, force: true }));

function put(path: string, text: string): void {
  const file = join(checkout, path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
  chmodSync(file, 0o755);
}

function closing(command: string, args: readonly string[], env: Readonly<Record<string, string>> = {}) {
  const { stdout, status } = spawnSync(command, args, {
    cwd: checkout,
    encoding: 'utf8',
    env: { ...process.env, NODE_OPTIONS: '', ...env },
  });
  return { line: stdout.trimEnd().split('\n').at(-1), status };
}

const JEST = 'node_modules/jest/bin/jest.js';
/** Stands for jest: leaves this report where it is told to. */
const fakeJest = (report: unknown) =>
  `const [file] = process.argv.flatMap((arg) => arg.match(/^--outputFile=(.*)/)?.slice(1) ?? []);
  require('fs').writeFileSync(file, '${JSON.stringify(report)}');`;

const npmTest = (...parts: readonly string[]) => closing(process.execPath, ['script/test.js', ...parts]);

const spawnNpmTest = (...parts: readonly string[]) =>
  spawnSync(process.execPath, ['script/test.js', ...parts], {
    cwd: checkout,
    encoding: 'utf8',
    env: { ...process.env, NODE_OPTIONS: '' },
  });

test('a part without a count that fails is counted as failed', () => {
  put('node_modules/.bin/prettier', '#!/bin/sh\nexit 1\n');
  put('node_modules/.bin/eslint', '#!/bin/sh\nexit 0\n');
  expect(npmTest('format', 'lint')).toEqual({ line: '0 passed, 1 failed', status: 1 });
  expect(npmTest('lint')).toEqual({ line: '0 passed, 0 failed', status: 0 });
});

test('jest that ends badly with no test failed, or with no report, counts as one failed', () => {
  const write = fakeJest({ numPassedTests: 3, numFailedTests: 0, numRuntimeErrorTestSuites: 0 });
  put(JEST, `${write} process.exit(1);`);
  expect(npmTest('unit')).toEqual({ line: '3 passed, 1 failed', status: 1 });
  put(JEST, `${write} process.exit(0);`);
  expect(npmTest('unit')).toEqual({ line: '3 passed, 0 failed', status: 0 });
  put(JEST, 'process.exit(1);');
  expect(npmTest('unit')).toEqual({ line: '0 passed, 1 failed', status: 1 });
  put('cdc/kafka/src/index.ts', 'export const downloadKafka = () => Promise.resolve();');
  expect(closing(process.execPath, ['script/test-stack.js'])).toEqual({
    line: '0 passed, 1 failed',
    status: 1,
  });
});

test('what runs side by side is told in one piece each, and the first that fails stops none', () => {
  const chatty = (name: string, code: number) =>
    `#!/bin/sh\nfor n in 1 2 3 4 5; do echo ${name} $n; sleep 0.05; done; echo ${name} err >&2; exit ${code}\n`;
  put('node_modules/.bin/eslint', chatty('lint', 1));
  put('node_modules/.bin/tsc', chatty('types', 0));
  put('node_modules/.bin/depcruise', chatty('boundaries', 0));
  const { stdout } = spawnNpmTest('lint', 'types', 'boundaries');
  for (const name of ['lint', 'types', 'boundaries'])
    expect(stdout).toContain([1, 2, 3, 4, 5, 'err'].map((said) => `${name} ${said}\n`).join(''));
  expect(stdout).toMatch(/FAILED lint .*\n0 passed, 1 failed\n$/s);
});

test('the test files that took longest are listed, the longest first', () => {
  const testResults = Array.from({ length: 12 }, (_, n) => ({
    name: join(checkout, `file-${n}.test.ts`),
    startTime: 0,
    endTime: n * 1_000,
  }));
  put(JEST, fakeJest({ numPassedTests: 3, numFailedTests: 0, numRuntimeErrorTestSuites: 0, testResults }));
  const listed = spawnNpmTest('unit').stdout.match(/\d+\.\d s {2}file-\d+\.test\.ts/g);
  expect(listed).toHaveLength(10);
  expect(listed?.[0]).toBe('11.0 s  file-11.test.ts');
});

test('Ctrl-C ends the parts that run, begins no other, and what did not run counts as failed', async () => {
  const waits = '#!/bin/sh\ntrap "exit 130" INT TERM\necho $$ >> pids\nwhile :; do sleep 0.05; done\n';
  for (const name of ['eslint', 'tsc', 'depcruise']) put(`node_modules/.bin/${name}`, waits);
  const child = spawn(process.execPath, ['script/test.js', 'lint', 'types', 'boundaries'], {
    cwd: checkout,
    env: { ...process.env, NODE_OPTIONS: '' },
  });
  let text = '';
  child.stdout.on('data', (chunk: Buffer) => (text += chunk.toString()));
  const pids = (): string[] =>
    existsSync(join(checkout, 'pids')) ? readFileSync(join(checkout, 'pids'), 'utf8').trim().split('\n') : [];
  while (pids().length < 2) await sleep(20);
  child.kill('SIGINT');
  const [code] = (await once(child, 'close')) as [number];
  expect([code, text.trimEnd().split('\n').at(-1)]).toEqual([130, '0 passed, 3 failed']);
  expect(pids()).toHaveLength(2);
  for (const pid of pids()) expect(() => process.kill(Number(pid), 0)).toThrow('ESRCH');
});

test('the tests of the full stack that CI cannot run for want of Java count as one failed', () => {
  put(
    'cdc/kafka/src/index.ts',
    "export const downloadKafka = () => Promise.reject(Object.assign(new Error('no Java'), { code: 'tools-missing' }));",
  );
  const run = (CI: string) => closing(process.execPath, ['script/test-stack.js'], { CI });
  expect(run('true')).toEqual({ line: '0 passed, 1 failed', status: 3 });
  expect(run('').status).toBe(0);
});

test('the sum of CI counts what broke before it could count', () => {
  const scripts = (first: string, second: string) =>
    put('package.json', JSON.stringify({ type: 'module', scripts: { test: first, 'test:stack': second } }));
  scripts('exit 3', "echo '7 passed, 0 failed'");
  expect(closing('bash', ['.ci/run'])).toEqual({ line: '7 passed, 1 failed', status: 1 });
  scripts("echo '5 passed, 2 failed'; exit 1", "echo '7 passed, 0 failed'; exit 1");
  expect(closing('bash', ['.ci/run'])).toEqual({ line: '12 passed, 3 failed', status: 1 });
  scripts("echo '5 passed, 0 failed'", 'exit 0');
  expect(closing('bash', ['.ci/run'])).toEqual({ line: '5 passed, 0 failed', status: 0 });
});

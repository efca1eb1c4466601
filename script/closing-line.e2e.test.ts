import { spawnSync } from 'node:child_process';
import { chmodSync, cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
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

const npmTest = (...parts: readonly string[]) => closing(process.execPath, ['script/test.js', ...parts]);

test('a part without a count that fails is counted as failed', () => {
  put('node_modules/.bin/prettier', '#!/bin/sh\nexit 1\n');
  put('node_modules/.bin/eslint', '#!/bin/sh\nexit 0\n');
  expect(npmTest('format', 'lint')).toEqual({ line: '0 passed, 1 failed', status: 1 });
  expect(npmTest('lint')).toEqual({ line: '0 passed, 0 failed', status: 0 });
});

test('jest that ends badly with no test failed, or with no report, counts as one failed', () => {
  const report = '{"numPassedTests":3,"numFailedTests":0,"numRuntimeErrorTestSuites":0}';
  const jest = 'node_modules/jest/bin/jest.js';
  const write = `const [file] = process.argv.flatMap((arg) => arg.match(/^--outputFile=(.*)/)?.slice(1) ?? []);
    require('fs').writeFileSync(file, '${report}');`;
  put(jest, `${write} process.exit(1);`);
  expect(npmTest('unit')).toEqual({ line: '3 passed, 1 failed', status: 1 });
  put(jest, `${write} process.exit(0);`);
  expect(npmTest('unit')).toEqual({ line: '3 passed, 0 failed', status: 0 });
  put(jest, 'process.exit(1);');
  expect(npmTest('unit')).toEqual({ line: '0 passed, 1 failed', status: 1 });
  put('cdc/kafka/src/index.ts', 'export const downloadKafka = () => Promise.resolve();');
  expect(closing(process.execPath, ['script/test-stack.js'])).toEqual({
    line: '0 passed, 1 failed',
    status: 1,
  });
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

/** What a second service touches, counted: in a copy of the tree, beside the sample's own. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { Stack } from '../cli/src/faults/stack.ts';

const root = join(import.meta.dirname, '..');
let tree: string;
let stack: Stack;

const git = (cwd: string, ...args: string[]): string => execFileSync('git', args, { cwd, encoding: 'utf8' });
const read = (path: string): string => readFileSync(join(tree, path), 'utf8');
function write(path: string, text: string): void {
  mkdirSync(dirname(join(tree, path)), { recursive: true });
  writeFileSync(join(tree, path), text);
}

beforeAll(() => {
  tree = mkdtempSync(join(tmpdir(), 'banyan-tree-'));
  for (const path of git(root, 'ls-files', '--cached', '--others', '--exclude-standard').trim().split('\n')) {
    cpSync(join(root, path), join(tree, path), { force: true });
  }
  git(tree, 'init', '--quiet');
  git(tree, 'add', '--all');
  git(
    tree,
    '-c',
    'user.name=test',
    '-c',
    'user.email=test@localhost',
    'commit',
    '--quiet',
    '--message',
    'as it is',
  );
  symlinkSync(join(root, 'node_modules'), join(tree, 'node_modules'));
  stack = new Stack({ cwd: tree });
});
afterAll(async () => {
  await stack.close();
  rmSync(tree, { recursive: true });
}, 180_000);

/** The service: that of the kit's own tests, where a service of the tree stands. */
function addService(): void {
  const fixture = (file: string): string => readFileSync(join(root, 'service/fixtures/stock', file), 'utf8');
  write('extracted/stock/slice.ts', fixture('slice.ts'));
  write(
    'extracted/stock/src/service.ts',
    fixture('stock-service.ts')
      .replace("'../../src/index.ts'", "'@banyan/service'")
      .replace("'./slice.ts'", "'../slice.ts'")
      .replace("'openapi.yaml'", "'../../../contracts/stock/openapi.yaml'"),
  );
  write(
    'extracted/stock/src/main.ts',
    "import { runService } from '@banyan/service';\nimport { stockServiceInFile } from './service.ts';\n\nawait runService(stockServiceInFile);\n",
  );
  write('extracted/stock/package.json', '{ "name": "@banyan/stock", "private": true, "type": "module" }\n');
  write('contracts/stock/openapi.yaml', fixture('openapi.yaml'));
  const config = read('banyan.config.ts');
  const entry = "{ slice: stockSlice, service: { main: 'extracted/stock/src/main.ts' } }";
  write(
    'banyan.config.ts',
    config
      .replace(
        /^(import .* from '\.\/extracted\/.*)$/m,
        "$1\nimport { stockSlice } from './extracted/stock/slice.ts';",
      )
      .replace(/^( {2}slices: \[)(.*)\],$/m, `$1\n    $2,\n    ${entry},\n  ],`),
  );
}

const touched = (): string[] =>
  git(tree, 'status', '--porcelain', '--untracked-files=all')
    .trimEnd()
    .split('\n')
    .map((line) => line.slice(3))
    .filter((path) => path !== 'node_modules');

test('a service touches its folder, its contract and the declaration, and nothing else', () => {
  addService();
  expect(touched()).toEqual([
    'banyan.config.ts',
    'contracts/stock/openapi.yaml',
    'extracted/stock/package.json',
    'extracted/stock/slice.ts',
    'extracted/stock/src/main.ts',
    'extracted/stock/src/service.ts',
  ]);
});

test('what containers and Prometheus are told follows by one command', async () => {
  await stack.json('config', 'render');
  expect(touched()).toEqual(expect.arrayContaining(['docker-compose.yml', 'compose/prometheus.yml']));
  expect(touched()).toHaveLength(8);
  const compose = read('docker-compose.yml');
  for (const part of [
    "SERVICES: 'monolith extracted/reviews extracted/stock'",
    "STORES: 'reviews stock-watch'",
    "SERVICE_URLS: 'reviews=http://reviews:4000,stock-watch=http://stock-watch:4000'",
    '  stock-watch:\n    <<: *banyan',
    '  stock-watch-kafka:\n    <<: *banyan',
    '\n  stock-watch:\n  control:',
  ]) {
    expect(compose).toContain(part);
  }
  expect(read('compose/prometheus.yml')).toContain("targets: ['stock-watch:4000']");
  expect(JSON.parse((await stack.banyan(['config', 'render', '--json'])).stdout)).toMatchObject({
    changed: [],
  });
});

test('it starts beside the other one, copies and verifies', async () => {
  await stack.up();
  const { run } = await stack.status();
  expect(run.processes.map(({ name, state }) => `${name} ${state}`)).toEqual(
    expect.arrayContaining(['reviews ready', 'stock-watch ready']),
  );
  await stack.json('advance', 'stock-watch', '--wait');
  const { report } = await stack.status();
  expect(report?.slices.map(({ name, phase, inSync }) => [name, phase, inSync])).toEqual([
    ['reviews', 'monolith', expect.anything()],
    ['stock-watch', 'syncing', true],
  ]);
}, 180_000);

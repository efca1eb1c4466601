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
}, 60_000);

const SLICE = `import { defineSlice } from '@banyan/contracts';

export const stockSlice = defineSlice({
  name: 'stock',
  title: 'Stock',
  routes: [{ path: '/api/products/:slug/stock', methods: ['GET'] }],
  tables: [
    { source: 'public.products', target: 'product', kind: 'reference', key: ['id'], columns: { id: 'id', slug: 'slug' } },
  ],
});
`;
const MIGRATIONS = `import type { Knex } from 'knex';

const migrations: Readonly<Record<string, Knex.Migration>> = {
  '0001-products': {
    up: (knex) => knex.raw('CREATE TABLE product (id INTEGER PRIMARY KEY, slug TEXT NOT NULL)'),
    down: (knex) => knex.schema.dropTable('product'),
  },
};
export const migrationSource: Knex.MigrationSource<string> = {
  getMigrations: () => Promise.resolve(Object.keys(migrations)),
  getMigrationName: (name) => name,
  getMigration: (name) => Promise.resolve(migrations[name] as Knex.Migration),
};
`;

/** The service: another one's code over tables and routes of its own. */
function addService(): void {
  const main = readFileSync(join(root, 'fixtures/express-jwt/entries/main.ts'), 'utf8');
  const withoutMigrations = main.replace(/const migrations:[^]*?\n};\nconst migrationSource[^]*?\n};\n/, '');
  expect(withoutMigrations).not.toBe(main);
  write(
    'extracted/stock/src/main.ts',
    withoutMigrations
      .replaceAll('entriesSlice', 'stockSlice')
      .replace("'./slice.ts'", "'../slice.ts'")
      .replace(
        "import type { Knex } from 'knex';",
        "import { migrationSource } from '../../../migrations/stock/index.ts';",
      )
      .replaceAll(/entries|entry/g, 'stock'),
  );
  write('extracted/stock/slice.ts', SLICE);
  write('extracted/stock/package.json', '{ "name": "@banyan/stock", "private": true, "type": "module" }\n');
  write('migrations/stock/index.ts', MIGRATIONS);
  write('contracts/stock/openapi.yaml', 'openapi: 3.1.0\n');
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

test('a service touches its folder, its migrations, its contract and the declaration, and nothing else', () => {
  addService();
  expect(touched()).toEqual([
    'banyan.config.ts',
    'contracts/stock/openapi.yaml',
    'extracted/stock/package.json',
    'extracted/stock/slice.ts',
    'extracted/stock/src/main.ts',
    'migrations/stock/index.ts',
  ]);
});

test('what containers and Prometheus are told follows by one command', async () => {
  await stack.json('config', 'render');
  expect(touched()).toEqual(expect.arrayContaining(['docker-compose.yml', 'compose/prometheus.yml']));
  expect(touched()).toHaveLength(8);
  const compose = read('docker-compose.yml');
  for (const part of [
    "SERVICES: 'monolith extracted/reviews extracted/stock'",
    "STORES: 'reviews stock'",
    "SERVICE_URLS: 'reviews=http://reviews:4000,stock=http://stock:4000'",
    '  stock:\n    <<: *banyan',
    '  stock-kafka:\n    <<: *banyan',
    '\n  stock:\n  control:',
  ]) {
    expect(compose).toContain(part);
  }
  expect(read('compose/prometheus.yml')).toContain("targets: ['stock:4000']");
  expect(JSON.parse((await stack.banyan(['config', 'render', '--json'])).stdout)).toMatchObject({
    changed: [],
  });
});

test('it starts beside the other one, copies and verifies', async () => {
  await stack.up();
  const { run } = await stack.status();
  expect(run.processes.map(({ name, state }) => `${name} ${state}`)).toEqual(
    expect.arrayContaining(['reviews ready', 'stock ready']),
  );
  await stack.json('advance', 'stock', '--wait');
  const { report } = await stack.status();
  expect(report?.slices.map(({ name, phase, inSync }) => [name, phase, inSync])).toEqual([
    ['reviews', 'monolith', expect.anything()],
    ['stock', 'syncing', true],
  ]);
}, 120_000);

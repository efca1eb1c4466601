/** docs/how-to/new-service.md, done step by step in a copy of the tree. */
import { SERVED_BY_HEADER, OVERRIDE_TOKEN_HEADER, VISITOR_COOKIE } from '@banyan/contracts';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Stack, until } from '../faults/stack.ts';
import { projectRoot } from '../home.ts';
import { CopiedTree } from './testing/copied-tree.ts';

const page = readFileSync(join(projectRoot, 'docs', 'how-to', 'new-service.md'), 'utf8');
const NAME = 'stock-watch';
const STORE = `extracted/${NAME}/src/create-${NAME}-store.ts`;
const CONTRACT = `contracts/${NAME}/openapi.yaml`;
/** As the page has it: `new service stock-watch --tables ...`. */
const ORDER = wordsOf(/^npx banyan (new service (?:.*\\\n)*.*)$/m.exec(page)?.[1] ?? '');

const tree = new CopiedTree(projectRoot);
const stack = new Stack({ checkout: tree.root });
let siteUrl: string;
/** What `new service` printed to take it away again. */
let undo: readonly string[];

beforeAll(async () => {
  tree.commit();
  ({ shopUrl: siteUrl } = await stack.up());
}, 180_000);
afterAll(async () => {
  await stack.close();
  tree.remove();
}, 180_000);

/** A command line as a shell takes it apart. */
function wordsOf(command: string): readonly string[] {
  const words = command.replaceAll('\\\n', ' ').match(/'[^']*'|\S+/g) ?? [];
  return words.map((word) => word.replaceAll("'", ''));
}

/** A block of the page by its first line, without it. */
function blockOf(firstLine: string): string {
  const start = page.indexOf(`${firstLine}\n`);
  if (start < 0) throw new Error(`the page has no block "${firstLine}"`);
  return page.slice(start + firstLine.length + 1, page.indexOf('```', start));
}

const jestConfig = JSON.stringify({
  testEnvironment: 'node',
  extensionsToTreatAsEsm: ['.ts'],
  transform: {
    '^.+\\.ts$': [
      '@swc/jest',
      { jsc: { parser: { syntax: 'typescript' }, target: 'es2024' }, module: { type: 'es6' } },
    ],
  },
  testMatch: ['**/*.test.ts'],
  testTimeout: 120_000,
});
/** The new service's own tests, on the database server of this run. */
const testService = (...args: readonly string[]) =>
  tree.run(['node_modules/jest/bin/jest.js', '--config', jestConfig, `extracted/${NAME}`, ...args]);

test('what is wrong is told at once, and nothing is written', async () => {
  const { code, stdout } = await stack.banyan([
    ...[
      'new',
      'service',
      'Stock_Watch',
      '--json',
      '--tables',
      'public.products,public.nowhere,public.inventory',
    ],
    ...['--columns', 'public.products:slugg', '--owned', 'public.orders'],
    ...['--routes', '/api/products/:slug/reviews,/v1/stock,/api/all/*'],
  ]);
  expect(code).toBe(2);
  const { error } = JSON.parse(stdout) as { error: { code: string; evidence: string[] } };
  expect(error.code).toBe('service-unfit');
  for (const wanted of [
    /public\.nowhere: there is no such table/,
    /public\.inventory: say which columns it needs: --columns public\.inventory:product_id,quantity,reserved/,
    /public\.products: .*slugg.*slug/,
    /--owned: .*public\.orders/,
    /\/v1\/stock: below \/v1/,
    /\/api\/all\/\*: nothing can be made of a \*/,
    /^name: lower-case words/,
  ]) {
    expect(error.evidence).toContainEqual(expect.stringMatching(wanted));
  }
  expect(tree.files()).toEqual([]);
});

test('names, routes and tables that another slice has are refused', async () => {
  const { stdout } = await stack.banyan([
    ...['new', 'service', 'reviews', '--json', '--tables', 'public.reviews', '--owned', 'public.reviews'],
    ...['--columns', 'public.reviews:rating', '--routes', '/api/products/:name/reviews'],
  ]);
  const { error } = JSON.parse(stdout) as { error: { evidence: string[] } };
  for (const wanted of [
    /^extracted\/reviews is there already/,
    /^the name "reviews" is claimed by reviews and reviews/,
    /^the owned table public\.reviews is claimed/,
    /^the route \* \/api\/products\/:\*\/reviews is claimed/,
  ]) {
    expect(error.evidence).toContainEqual(expect.stringMatching(wanted));
  }
  expect(tree.files()).toEqual([]);
});

test('a dry run prints every file and the line of the configuration, and writes nothing', async () => {
  const { code, stdout } = await stack.banyan([...ORDER, '--dry-run']);
  expect(code).toBe(0);
  for (const text of [
    `--- ${CONTRACT}\nopenapi: 3.1.0`,
    "kind: 'reference',",
    "slices: { slice: stockWatchSlice, service: { main: 'extracted/stock-watch/src/main.ts' } }",
    'copies   public.inventory (reference): product_id, quantity\n',
  ]) {
    expect(stdout).toContain(text);
  }
  expect(tree.files()).toEqual([]);
});

test('a configuration of another form is left alone, with what to add', async () => {
  const file = join(tree.root, 'banyan.config.ts');
  const before = readFileSync(file, 'utf8');
  const other = before
    .replace(/slices: (\[.*\]),/, 'slices: [$1].flat(),')
    .replace('slices: [[', "['slices']: [[");
  writeFileSync(file, other);
  try {
    const { code, stdout } = await stack.banyan([...ORDER, '--json']);
    expect([code, stdout]).toEqual([2, expect.stringContaining('--no-config')]);
    expect(stdout).toContain("import { stockWatchSlice } from './extracted/stock-watch/slice.ts';");
    const left = await stack.json<{ changed: string[] }>(...ORDER, '--no-config', '--dry-run');
    expect(left.changed).toEqual(['package-lock.json']);
  } finally {
    writeFileSync(file, before);
  }
});

test('writes a service, and touches nothing but its folders, the lockfile and the configuration', async () => {
  const made = await stack.json<{ files: { path: string }[]; undo: string[]; tables: object[] }>(...ORDER);
  undo = made.undo;
  expect(made.tables).toMatchObject([
    { source: 'public.inventory', kind: 'reference', columns: ['product_id', 'quantity'] },
    { source: 'public.products', kind: 'reference', columns: ['id', 'slug'] },
  ]);
  const own = new RegExp(`^\\?\\? (extracted|migrations|contracts)/${NAME}/`);
  const touched = tree.files();
  expect(touched.filter((line) => own.test(line))).toHaveLength(made.files.length);
  expect(touched.filter((line) => !own.test(line))).toEqual([' M banyan.config.ts', ' M package-lock.json']);
  const diff = execFileSync('git', ['diff', '--numstat', 'banyan.config.ts'], {
    cwd: tree.root,
    encoding: 'utf8',
  });
  expect(diff).toMatch(/^5\t1\t/); // an import; the list over several lines with one more
  // Again: nothing is written over.
  const again = await stack.banyan([...ORDER, '--json']);
  expect([again.code, again.stdout]).toEqual([2, expect.stringContaining('is there already')]);
  expect(tree.files()).toEqual(touched);
});

test('its test fails until the marked places are written, and says where they are', async () => {
  const { code, text } = await testService('-t', 'leaves nothing');
  expect(code).toBe(1);
  expect(text).toMatch(new RegExp(`"${STORE}:\\d+: the query`));
  expect(text).toMatch(new RegExp(`"${CONTRACT}:\\d+: what GET /api/products/:slug/stock answers`));
}, 240_000);

test('with the marked places written as on the page, it copies and verifies', async () => {
  writeFileSync(join(tree.root, STORE), blockOf(`// ${STORE}`));
  const contract = readFileSync(join(tree.root, CONTRACT), 'utf8');
  const marked = /^ {4}# TODO\(banyan\)[^]*?properties: \{\}\n/m;
  expect(contract).toMatch(marked);
  const schema = blockOf(`# ${CONTRACT}, in the place of the marked lines`);
  writeFileSync(join(tree.root, CONTRACT), contract.replace(marked, schema.replace(/^[^]*schemas:\n/, '')));
  await stack.banyan(['down']);
  ({ shopUrl: siteUrl } = await stack.up());
  for (const slice of ['reviews', NAME]) await stack.json('advance', slice, '--wait');
  const { report } = await stack.status();
  for (const { name, verification, tables } of report?.slices ?? []) {
    expect([name, verification?.differences]).toEqual([name, 0]);
    expect(verification?.rowsTarget).toBeGreaterThan(0);
    expect(tables.map(({ source }) => source)).toContain('public.products');
  }
}, 240_000);

test('the contract of every service holds for it', async () => {
  const { code, text } = await testService();
  expect(code === 0 ? 'passed' : text).toBe('passed');
}, 240_000);

test('what is written is formatted, typed and linted, and knows only whom it may', async () => {
  const places = ['extracted', 'migrations', 'contracts'].map((folder) => `${folder}/${NAME}`);
  const files = [...places, 'banyan.config.ts', 'package-lock.json'];
  const only = join(tree.root, 'tsconfig.new.json');
  writeFileSync(
    only,
    JSON.stringify({ extends: './tsconfig.json', include: [...places, 'banyan.config.ts'] }),
  );
  const results = await Promise.all([
    tree.run(['node_modules/prettier/bin/prettier.cjs', '--check', ...files]),
    tree.run(['node_modules/typescript/bin/tsc', '-p', only]),
    tree.run(['node_modules/eslint/bin/eslint.js', ...places.slice(0, 2), 'banyan.config.ts']),
    tree.run([
      ...[
        'node_modules/dependency-cruiser/bin/dependency-cruiser.mjs',
        '--config',
        '.dependency-cruiser.cjs',
      ],
      ...[...places, 'banyan.config.ts'],
    ]),
  ]);
  expect(results.map(({ code, text }) => (code === 0 ? 'well' : text))).toEqual(Array(4).fill('well'));
}, 240_000);

/** What a known visitor gets, and which side answered. */
async function ask(path: string): Promise<{ by: string | null; status: number; body: unknown }> {
  const headers = {
    [OVERRIDE_TOKEN_HEADER]: stack.secret('override.token'),
    cookie: `${VISITOR_COOKIE}=${'A'.repeat(22)}`,
  };
  const answer = await fetch(siteUrl + path, { headers });
  const body: unknown = await answer.json();
  return { by: answer.headers.get(SERVED_BY_HEADER), status: answer.status, body };
}

test('answers beside the first slice, both from public.products', async () => {
  for (const slice of ['reviews', NAME]) {
    // The gate `lag` looks back over a minute, in which the new service read heartbeats of before its time.
    await until(
      `${slice} may serve`,
      async () => (await stack.banyan(['advance', slice])).code === 0,
      90_000,
    );
    await stack.json('route', slice, '--share', '100%', '--reason', 'all of it');
  }
  const { body } = await ask('/api/products');
  const [{ slug } = { slug: '' }] = (body as { products: { slug: string }[] }).products;
  await until('both services answer', async () => {
    const answers = [await ask(`/api/products/${slug}/stock`), await ask(`/api/products/${slug}/reviews`)];
    return answers.every(({ by }) => by === 'service');
  });
  expect(await ask(`/api/products/${slug}/stock`)).toMatchObject({
    status: 200,
    body: { slug, level: expect.any(Number) },
  });
  expect(await ask('/api/products/no-such-thing/stock')).toMatchObject({ status: 404, by: 'service' });
}, 240_000);

test('the commands printed take it away again', async () => {
  await stack.banyan(['down']);
  // `git checkout -p` asks; `a` is all of a file.
  for (const command of undo) execFileSync('sh', ['-c', command], { cwd: tree.root, input: 'a\na\n' });
  expect(tree.files()).toEqual(['?? tsconfig.new.json']);
  expect(existsSync(join(tree.root, 'node_modules', '@banyan', NAME))).toBe(false);
});

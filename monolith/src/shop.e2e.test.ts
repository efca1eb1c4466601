import { afterAll, beforeAll, expect, test } from '@jest/globals';
import {
  createTestDatabase,
  findFreePort,
  startCluster,
  type RunningCluster,
  type TestDatabase,
} from '@banyan/postgres';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { createCustomer, createVisitor } from './testing/visitor.ts';

const MAIN = fileURLToPath(new URL('./main.ts', import.meta.url));
const SECRET = 'only for the end-to-end test';
let folder: string;
const children: ChildProcess[] = [];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'shop-e2e-'));
});
afterAll(async () => {
  for (const child of children) child.kill('SIGKILL');
  await rm(folder, { recursive: true });
});

/** Starts the shop's own process and waits for the line with its address. */
async function start(databaseUrl: string): Promise<{ child: ChildProcess; url: string }> {
  const env = {
    ...process.env,
    NODE_OPTIONS: '',
    DATABASE_URL: databaseUrl,
    PORT: '0',
    SESSION_SECRET: SECRET,
  };
  const sizes = {
    SEED_PRODUCTS: '12',
    SEED_CUSTOMERS: '5',
    SEED_REVIEWS: '20',
    SEED_ORDERS: '3',
    LOG_LEVEL: 'silent',
  };
  const child = spawn(process.execPath, [MAIN], {
    env: { ...env, ...sizes },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  children.push(child);
  for await (const line of createInterface(child.stdout)) {
    const [, url] = /^Shop: (http:\S+)$/.exec(line) ?? [];
    if (url !== undefined) return { child, url };
  }
  throw new Error('The shop ended before it served.');
}

async function eventually(condition: () => Promise<boolean>, what: string): Promise<void> {
  const deadline = Date.now() + 60_000;
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error(`Not within 20 s: ${what}`);
    await wait(50);
  }
}

async function stop(child: ChildProcess): Promise<number | null> {
  child.kill('SIGTERM');
  if (child.exitCode === null) await once(child, 'exit');
  return child.exitCode;
}

test('two shops start at once on an empty database, serve the same, keep sessions and end when told', async () => {
  const database: TestDatabase = await createTestDatabase('shop');
  const [one, two] = await Promise.all([start(database.url), start(database.url)]);
  const ann = await createCustomer(one.url, 'Ann');
  const elsewhere = createVisitor(two.url);
  elsewhere.cookies.set('shop.sid', ann.cookies.get('shop.sid') ?? '');
  expect((await elsewhere.get('/api/session')).json()).toMatchObject({ customer: { displayName: 'Ann' } });
  const products = await Promise.all([one, two].map(({ url }) => createVisitor(url).get('/api/products')));
  expect(products[0]?.json()).toMatchObject({ count: 12 });
  expect(products[1]?.text).toBe(products[0]?.text);
  expect(await Promise.all([one, two].map(({ child }) => stop(child)))).toEqual([0, 0]);
  await database.drop();
}, 180_000);

test('the shop outlives its database: it says so meanwhile and goes on afterwards', async () => {
  const port = await findFreePort();
  const dir = join(folder, 'postgres');
  const begin = (): Promise<RunningCluster> => startCluster({ dir, port, settings: { fsync: 'off' } });
  let cluster = await begin();
  const { child, url } = await start(cluster.adminUrl);
  const ann = await createCustomer(url, 'Ann');
  const status = async (path: string) => (await ann.get(path)).status;

  // 1. Idle connections are ended under the shop.
  const admin = new pg.Client(cluster.adminUrl);
  await admin.connect();
  await admin.query(
    'SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND usename IS NOT NULL',
  );
  await admin.end();
  await eventually(async () => (await status('/account')) === 200, 'pages after the connections were ended');

  // 2. No database at all.
  await cluster.close();
  expect(await status('/healthz')).toBe(503);
  const page = await ann.get('/');
  expect(page.status).toBe(503);
  expect(page.text).toContain('We will be back shortly');
  const api = await ann.get('/api/products');
  expect([api.status, api.json()]).toMatchObject([503, { error: { code: 'unavailable' } }]);
  expect(await status('/assets/shop.css')).toBe(200);

  // 3. It is back.
  cluster = await begin();
  await eventually(async () => (await status('/healthz')) === 200, 'health after the restart');
  await eventually(async () => (await status('/account')) === 200, 'the same session after the restart');
  expect(await stop(child)).toBe(0);
  await cluster.close();
}, 180_000);

test('wrong settings are all named and the shop does not start', async () => {
  const env = { ...process.env, NODE_OPTIONS: '', DATABASE_URL: '', PORT: 'http' };
  const child = spawn(process.execPath, [MAIN], { env, stdio: ['ignore', 'ignore', 'pipe'] });
  let message = '';
  for await (const chunk of child.stderr) message += String(chunk);
  expect(message).toContain('DATABASE_URL');
  expect(message).toContain('PORT');
  expect(child.exitCode ?? (await once(child, 'exit'))[0]).toBe(1);
});

/** Databases of somebody's own: nothing is made in them but what was asked for, and two Banyans do not meet there. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { listen } from '@banyan/kit';
import { createTestDatabase, type TestDatabase } from '@banyan/postgres';
import express from 'express';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';
import { Stack } from './stack.ts';

const [mine, theirs, bare] = [new Stack(), new Stack(), new Stack()];
let own: TestDatabase;
let forShop: TestDatabase;
let monolith: { readonly url: string; close(): Promise<void> };

beforeAll(async () => {
  [own, forShop] = [await createTestDatabase('own'), await createTestDatabase('for_shop')];
  await ask(own, 'CREATE TABLE public.things AS SELECT 1 AS id');
  monolith = await listen(
    express().use((_request, response) => void response.send('my own monolith')),
    { port: 0 },
  );
});
afterAll(async () => {
  await Promise.all([mine.close(), theirs.close(), bare.close()]);
  for (const database of [own, forShop]) {
    await ask(
      database,
      'SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE database = current_database()',
    );
    await database.drop();
  }
  await monolith.close();
}, 180_000);

async function ask(database: TestDatabase, sql: string): Promise<string[]> {
  const client = new pg.Client(database.url);
  await client.connect();
  try {
    const { rows } = await client.query<{ name: string }>(sql);
    return rows.map(({ name }) => name);
  } finally {
    await client.end();
  }
}

/** Everything that somebody has made in a database. */
const contents = (database: TestDatabase): Promise<string[]> =>
  ask(
    database,
    `SELECT n.nspname || '.' || c.relname AS name FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE n.nspname NOT LIKE 'pg\\_%' AND n.nspname <> 'information_schema' AND c.relkind IN ('r', 'v', 'p')
     UNION ALL SELECT 'schema ' || nspname FROM pg_namespace
     WHERE nspname NOT LIKE 'pg\\_%' AND nspname NOT IN ('information_schema', 'public') ORDER BY 1`,
  );
const slots = (database: TestDatabase): Promise<string[]> =>
  ask(database, 'SELECT slot_name AS name FROM pg_replication_slots WHERE database = current_database()');

test('without a word about the monolith nothing is started or made', async () => {
  const { code, stdout } = await mine.banyan(['up', '--json'], { DATABASE_URL: own.url });
  expect([code, stdout]).toEqual([3, expect.stringContaining('monolith-unknown')]);
  expect(stdout).toContain('--sample');
  expect(await contents(own)).toEqual(['public.things']);
});

test('a dry run says what would be made, and makes nothing', async () => {
  const env = { DATABASE_URL: own.url, MONOLITH_URL: monolith.url };
  const { code, stdout } = await mine.banyan(['up', '--dry-run', '--json'], env);
  expect(code).toBe(0);
  const { statements } = JSON.parse(stdout) as { statements: string[] };
  expect(statements.join('\n')).toMatch(/create schema .*banyan[\s\S]*signal/i);
  expect(await contents(own)).toEqual(['public.things']);
});

test('with it Banyan makes its own schema and nothing else, and the monolith answers through the proxy', async () => {
  const { shopUrl } = await mine.upWith({ DATABASE_URL: own.url, MONOLITH_URL: monolith.url });
  expect(await (await fetch(`${shopUrl}/anything`)).text()).toBe('my own monolith');
  const made = (await contents(own)).filter((name) => name !== 'public.things');
  expect(made).not.toHaveLength(0);
  expect(made.filter((name) => !/^(banyan\.|schema banyan$)/.test(name))).toEqual([]);
  expect((await mine.status()).run.processes.map(({ name }) => name)).not.toContain('monolith');
}, 180_000);

test('the shop comes only where that was asked for; its slot is another one on the same server', async () => {
  await theirs.upWith({ DATABASE_URL: forShop.url }, '--sample');
  expect(await contents(forShop)).toEqual(expect.arrayContaining(['public.products', 'banyan.signal']));
  const [first, second] = [await slots(own), await slots(forShop)];
  expect([first, second]).toEqual([[expect.stringMatching(/^banyan_/)], [expect.stringMatching(/^banyan_/)]]);
  expect(first).not.toEqual(second);
  // Neither took the other's away.
  expect((await mine.status()).report?.feed).toMatchObject({ slot: first[0], slotActive: true });
}, 180_000);

test('without slices that copy tables there is no database at all', async () => {
  const file = join(bare.home.dir, 'banyan.config.ts');
  const slice = { name: 'start-page', title: 'Start page', routes: [{ path: '/start' }], tables: [] };
  writeFileSync(file, `export const config = ${JSON.stringify({ slices: [slice] })};`);
  const env = {
    BANYAN_CONFIG: file,
    MONOLITH_URL: monolith.url,
    SERVICE_URLS: `start-page=${monolith.url}`,
  };
  const { shopUrl } = await bare.upWith(env);
  expect(await (await fetch(shopUrl)).text()).toBe('my own monolith');
  const { run, report } = await bare.status();
  expect(run.processes.map(({ name }) => name).sort()).toEqual(['control', 'proxy']);
  expect(report?.feed.state).toBe('none');
  await bare.json('advance', 'start-page');
  expect((await bare.banyan(['status'])).stdout).toMatch(
    /copy +none: the slice has no tables[\s\S]*feed +none/,
  );
  // With a slice that copies tables the same start is refused, and says what is missing.
  const { code, stdout } = await new Stack().banyan(['up', '--json'], { MONOLITH_URL: monolith.url });
  expect([code, stdout]).toEqual([3, expect.stringContaining('no source is given, and slices copy public.')]);
}, 180_000);

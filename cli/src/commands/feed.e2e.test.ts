import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { createTestDatabase, type TestDatabase } from '@banyan/postgres';
import pg from 'pg';
import { until } from '../faults/stack.ts';
import { openHome } from '../home.ts';
import { feedDrop } from './feed.ts';

const home = openHome({ BANYAN_HOME: mkdtempSync(join(tmpdir(), 'banyan-feed-')) });
const context = { home, json: true };
const reason = 'the trial is over';
/** The shared server may have a slot of this name from another test's stack: this one is of our database alone. */
const OWN = `banyan_left_${process.pid}`;
let database: TestDatabase;
let client: pg.Client;

beforeAll(async () => {
  database = await createTestDatabase('feed_drop');
  client = new pg.Client(database.url);
  await client.connect();
  mkdirSync(home.secretsDir, { recursive: true });
  writeFileSync(home.secret('source.url'), database.url);
  await client.query(`CREATE PUBLICATION ${OWN}`);
  await client.query('SELECT pg_create_logical_replication_slot($1, $2)', [OWN, 'pgoutput']);
});
afterAll(async () => {
  await client.end();
  await database.drop();
  rmSync(home.dir, { recursive: true });
});

async function left(): Promise<{ slots: number; publications: number }> {
  const count = async (sql: string): Promise<number> => (await client.query(sql, [OWN])).rowCount ?? 0;
  return {
    slots: await count('SELECT FROM pg_replication_slots WHERE slot_name = $1'),
    publications: await count('SELECT FROM pg_publication WHERE pubname = $1'),
  };
}

async function isActive(active: boolean): Promise<boolean> {
  const sql = 'SELECT FROM pg_replication_slots WHERE slot_name = $1 AND active = $2';
  return (await client.query(sql, [OWN, active])).rowCount === 1;
}

function routesWith(phase: string): string {
  const slice = {
    name: 'reviews',
    phase,
    owner: 'monolith',
    share: 0,
    salt: 'reviews',
    rolledBack: false,
    monolithIsFresh: true,
    routes: [{ path: '/reviews' }],
    upstreams: ['http://127.0.0.1:1'],
    serviceDeadlineMs: 100,
  };
  const monolith = { monolithUpstreams: ['http://127.0.0.1:2'], monolithDeadlineMs: 100 };
  const visitors = { identity: [], keys: ['visitor-cookie'], withoutKey: 'monolith' };
  const settings = { paths: { trailingSlash: 'same' }, visitors };
  return JSON.stringify({ version: 1, issuedAtMs: 1, ...monolith, ...settings, slices: [slice] });
}

test('is refused while a slice needs the feed, and says which', async () => {
  writeFileSync(home.file('routes-snapshot.json'), routesWith('canary'));
  await expect(feedDrop({ reason }, context)).rejects.toMatchObject({
    code: 'feed-needed',
    evidence: ['slice reviews is in canary'],
    exitCode: 1,
  });
  writeFileSync(home.file('routes-snapshot.json'), 'not routes');
  await expect(feedDrop({ reason }, context)).rejects.toMatchObject({ code: 'phases-unknown', exitCode: 3 });
  writeFileSync(home.file('routes-snapshot.json'), routesWith('monolith'));
});

test('a dry run drops nothing', async () => {
  await feedDrop({ slot: OWN, reason, dryRun: true }, context);
  expect(await left()).toEqual({ slots: 1, publications: 1 });
});

test('a slot that is being read is left alone', async () => {
  const reader = new pg.Client({
    connectionString: database.url,
    replication: 'database',
  } as pg.ClientConfig);
  reader.on('error', () => undefined); // cut below
  await reader.connect();
  const ended = reader
    .query(`START_REPLICATION SLOT ${OWN} LOGICAL 0/0 (proto_version '1', publication_names '${OWN}')`)
    .catch(() => undefined); // cut below
  await until('it is read', () => isActive(true));
  await expect(feedDrop({ slot: OWN, reason }, context)).rejects.toMatchObject({ code: 'slot-in-use' });
  reader.connection.stream.destroy();
  await ended;
  await until('it is free', () => isActive(false));
});

test('a slot of another kind is not dropped', async () => {
  const foreign = `${OWN}_physical`;
  await client.query('SELECT pg_create_physical_replication_slot($1)', [foreign]);
  await expect(feedDrop({ slot: foreign, reason }, context)).rejects.toMatchObject({ code: 'slot-foreign' });
  await client.query('SELECT pg_drop_replication_slot($1)', [foreign]);
});

test('a slot that nobody reads is dropped with its publication, and who did it is written down', async () => {
  await feedDrop({ slot: OWN, reason }, context);
  expect(await left()).toEqual({ slots: 0, publications: 0 });
  expect(readFileSync(join(home.logsDir, 'feed.log'), 'utf8')).toContain(reason);
  await feedDrop({ slot: OWN, reason }, context); // nothing left to do is no error
});

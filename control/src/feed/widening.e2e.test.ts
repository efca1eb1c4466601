/** A mapping that grows: the copy is resynced, and no row of it lacks the new column, whoever is killed meanwhile. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { createSqliteApplyStore, openSqliteBus, startConsumer, syncRoutes } from '@banyan/cdc/apply';
import { openSqliteFile } from '@banyan/kit/sqlite';
import { defineSlice, sliceStatusSchema, type SliceDefinition, type SliceStatus } from '@banyan/contracts';
import { listen, silentLogger } from '@banyan/kit';
import { createTestDatabase, findFreePort, type TestDatabase } from '@banyan/postgres';
import express from 'express';
import createKnex, { type Knex } from 'knex';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import { migrateBanyan } from '../../../migrations/banyan/index.ts';
import { eventually, kill, processes, startProcess, type TestProcess } from '../../testing/processes.ts';
import { PEER_TOKEN } from '../../testing/test-control.ts';

const ROWS = 2_000;
/** Four processes start several times. */
const PATIENCE_MS = 90_000;
const CANARY = 'canary-51ce';
const stops: (() => Promise<unknown>)[] = [];
let folder: string;
let database: TestDatabase;
let sql: pg.Client;
let store: Knex;
let feed: Record<string, string>;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'banyan-widening-'));
  database = await createTestDatabase('widening');
  sql = new pg.Client(database.url);
  await sql.connect();
  const knex = createKnex({ client: 'pg', connection: database.url });
  await migrateBanyan(knex);
  await knex.destroy();
  await sql.query('CREATE TABLE public.people (id bigint PRIMARY KEY, name text, town text, secret text)');
  await sql.query(
    `INSERT INTO public.people SELECT n, 'name ' || n, 'town ' || n, '${CANARY}' FROM generate_series(1, ${ROWS}) n`,
  );
  feed = {
    PATH: process.env['PATH'] ?? '',
    LOG_LEVEL: 'warn',
    SOURCE_URL: database.url,
    BUS_FILE: join(folder, 'bus.sqlite'),
    TOPIC_PREFIX: 'shop',
    HEARTBEAT_INTERVAL_MS: '200',
    SLOT_NAME: database.name,
    PUBLICATION_NAME: database.name,
  };
  store = await openSqliteFile({ file: join(folder, 'service.sqlite') });
  await store.schema.createTable('person', (table) => {
    table.integer('id').primary();
    table.text('name');
    table.text('town');
  });
  stops.push(() => store.destroy());
});
afterAll(async () => {
  for (const child of processes) await kill(child);
  for (const stop of stops.reverse()) await stop();
  await sql.end();
  await database.drop();
  await rm(folder, { recursive: true });
});

function sliceOf(...columns: string[]): SliceDefinition {
  return defineSlice({
    name: 'people',
    title: 'People',
    routes: [{ path: '/people' }],
    canaryShares: [1],
    gates: { maxLagMs: 600_000, maxHeartbeatAgeMs: 600_000 }, // a busy machine is no matter here
    tables: [
      {
        source: 'public.people',
        target: 'person',
        kind: 'reference',
        key: ['id'],
        columns: Object.fromEntries(columns.map((column) => [column, column])),
      },
    ],
  });
}

/** A service with that mapping, in this process. */
async function startService(slice: SliceDefinition): Promise<{ url: string; close(): Promise<void> }> {
  const bus = await openSqliteBus({ file: feed['BUS_FILE'] ?? '' });
  const applyStore = createSqliteApplyStore({ knex: store });
  const options = { slice, group: slice.name, bus, store: applyStore, prefix: 'shop', logger: silentLogger };
  const consumer = await startConsumer(options);
  const app = express().use(syncRoutes({ consumer, store: applyStore, peerToken: PEER_TOKEN }));
  const server = await listen(app, { port: 0, graceMs: 100 });
  return {
    url: server.url,
    async close() {
      await server.close();
      await consumer.close();
      await bus.close();
    },
  };
}

interface ControlProcess {
  readonly child: TestProcess;
  advance(): Promise<boolean>;
  slice(): Promise<SliceStatus>;
  resyncs(): Promise<readonly string[]>;
}

async function startControl(slice: SliceDefinition, serviceUrl: string): Promise<ControlProcess> {
  const configFile = join(folder, 'banyan.config.ts');
  await writeFile(configFile, `export const config = ${JSON.stringify({ slices: [slice] })}`);
  const port = await findFreePort();
  const child = startProcess(new URL('../main.ts', import.meta.url), {
    ...feed,
    PORT: String(port),
    STORE_FILE: join(folder, 'control.sqlite'),
    PEER_TOKEN,
    CONFIG_FILE: configFile,
    ADMIN_TOKEN_FILE: join(folder, 'admin.token'),
    MONOLITH_URL: 'http://127.0.0.1:9',
    SERVICE_URLS: `people=${serviceUrl}`,
  });
  const url = `http://127.0.0.1:${port}`;
  await eventually('control is up', async () => {
    if (child.exitCode !== null) throw new Error(child.said());
    return (await fetch(`${url}/healthz`)).ok;
  });
  const token = (await readFile(join(folder, 'admin.token'), 'utf8')).trim();
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
  const ask = (path: string, init: RequestInit = {}): Promise<Response> =>
    fetch(`${url}${path}`, { ...init, headers });
  return {
    child,
    async advance() {
      const body = JSON.stringify({ by: 'tester', reason: 'a test' });
      const answer = await ask('/v1/slices/people/advance', { method: 'POST', body });
      if (answer.status !== 200) throw new Error(await answer.text());
      return true;
    },
    slice: async () => sliceStatusSchema.parse(await (await ask('/v1/slices/people')).json()),
    async resyncs() {
      const { entries } = (await (await ask('/v1/journal')).json()) as {
        entries: { verb: string; reason: string }[];
      };
      return entries.flatMap(({ verb, reason }) => (verb === 'resync' ? [reason] : []));
    },
  };
}

async function verified(control: ControlProcess): Promise<SliceStatus> {
  return await eventually(
    'the copy is verified',
    async () => {
      const status = await control.slice();
      if (status.inSync && status.verification !== null) return status;
      throw new Error(JSON.stringify(status, null, 2));
    },
    PATIENCE_MS,
  );
}

test('a mapping that grows while the slice serves', async () => {
  const startReader = (): TestProcess =>
    startProcess(new URL('../../../cdc/src/capture/reader/main.ts', import.meta.url), feed);
  let reader = startReader();
  let slice = sliceOf('id', 'name');
  let service = await startService(slice);
  let control = await startControl(slice, service.url);
  await eventually('advance', () => control.advance(), PATIENCE_MS);
  await verified(control);
  await eventually('advance', () => control.advance(), PATIENCE_MS);
  expect(await control.slice()).toMatchObject({ phase: 'canary', share: 1 });

  // Somebody writes all the time.
  const over = new AbortController();
  let next = ROWS + 1;
  const writer = (async () => {
    const client = new pg.Client(database.url);
    await client.connect();
    for (; !over.signal.aborted; next += 1) {
      await client.query(`INSERT INTO public.people VALUES ($1, 'n', 'new', '${CANARY}')`, [next]);
      await client.query(`UPDATE public.people SET town = town || '!', secret = '${CANARY}!' WHERE id = $1`, [
        next % ROWS,
      ]);
      await delay(2);
    }
    await client.end();
  })();
  await kill(control.child);
  await service.close();
  slice = sliceOf('id', 'name', 'town');
  service = await startService(slice);
  // Killed at ever later moments of the widening.
  for (const afterMs of [0, 100, 300, 900]) {
    control = await startControl(slice, service.url);
    await delay(afterMs);
    await kill(control.child);
    await kill(reader);
    reader = startReader();
  }
  control = await startControl(slice, service.url);
  await eventually('it is resynced', async () => (await control.resyncs()).length > 0, PATIENCE_MS);
  await verified(control);
  over.abort();
  await writer;
  const { rows } = await sql.query<{ id: string }>('SELECT id, name, town FROM public.people ORDER BY id');
  await eventually(
    'the copy is equal',
    async () => {
      const copy = await store<{ id: number; name: string; town: string }>('person').orderBy('id');
      return JSON.stringify(copy) === JSON.stringify(rows.map((row) => ({ ...row, id: Number(row.id) })));
    },
    PATIENCE_MS,
  );
  expect(await control.slice()).toMatchObject({ phase: 'syncing', verification: { differences: 0 } });
  // Once: neither the kills nor what follows make it anew again.
  expect(await control.resyncs()).toEqual([expect.stringMatching(/other columns of public\.people/)]);

  // Nor is it by a start with the same mapping.
  await kill(control.child);
  control = await startControl(slice, service.url);
  await verified(control); // it has looked at the feed by then
  expect(await control.resyncs()).toHaveLength(1);
  await service.close();
  for (const name of (await readdir(folder)).filter((each) => each.startsWith('bus.sqlite'))) {
    expect((await readFile(join(folder, name), 'latin1')).includes(CANARY)).toBe(false);
  }
}, 400_000);

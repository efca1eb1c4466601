/** The control plane as a process of its own, over a real feed, killed at any moment. */
import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import { createSqliteApplyStore, openSqliteBus, startConsumer, syncRoutes } from '@banyan/cdc/apply';
import { openSqliteFile } from '@banyan/kit/sqlite';
import { kill, startProcess, type TestProcess } from '@banyan/kit/testing';
import {
  sliceStatusSchema,
  type JournalEntry,
  type RoutesSnapshot,
  type SliceStatus,
} from '@banyan/contracts';
import { listen, silentLogger } from '@banyan/kit';
import { findFreePort } from '@banyan/postgres';
import express from 'express';
import { once } from 'node:events';
import { readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { createTestSlice } from '../testing/fake-feed.ts';
import { eventually } from '../testing/eventually.ts';
import { createTestMonolith, type TestMonolith } from '../testing/test-monolith.ts';
import { PEER_TOKEN } from '../testing/test-control.ts';

const ROWS = 3_000;
/** A busy machine is no matter here. */
const gates = { maxLagMs: 600_000, maxHeartbeatAgeMs: 600_000 };
const slice = { ...createTestSlice(), gates };
let monolith: TestMonolith;
let serviceUrl: string;
/** Those that a test has started. */
const controls: TestProcess[] = [];

beforeAll(async () => {
  monolith = await createTestMonolith('control_kill');
  await monolith.sql.query('CREATE TABLE public.reviews (id bigint PRIMARY KEY, body text)');
  await monolith.sql.query(`INSERT INTO public.reviews SELECT n, 'good' FROM generate_series(1, ${ROWS}) n`);
  await startService();
  monolith.startReader();
  await writeFile(
    join(monolith.folder, 'banyan.config.ts'),
    `export const config = ${JSON.stringify({ slices: [slice] })}`,
  );
});

afterEach(async () => {
  for (const child of controls.splice(0)) await kill(child);
});

afterAll(() => monolith.close());

/** A service that copies the slice, in this process. */
async function startService(): Promise<void> {
  const knex = await openSqliteFile({ file: join(monolith.folder, 'service.sqlite') });
  await knex.schema.createTable('review', (table) => table.integer('review_id').primary());
  const bus = await openSqliteBus({ file: monolith.feed.BUS_FILE });
  const store = createSqliteApplyStore({ knex });
  const options = { slice, group: 'reviews', bus, store, prefix: 'shop', logger: silentLogger };
  const consumer = await startConsumer(options);
  const app = express().use(syncRoutes({ consumer, store, peerToken: PEER_TOKEN }));
  const server = await listen(app, { port: 0, graceMs: 100 });
  serviceUrl = server.url;
  monolith.onClose(
    () => knex.destroy(),
    () => bus.close(),
    () => consumer.close(),
    () => server.close(),
  );
}

/** A running control plane and what can be asked of it. */
interface ControlProcess {
  kill(): Promise<void>;
  verb(verb: string): Promise<{ status: number; text: string }>;
  slice(): Promise<SliceStatus>;
  journal(): Promise<JournalEntry[]>;
  routes(): Promise<RoutesSnapshot>;
}

function controlEnv(port: number): Record<string, string> {
  return {
    ...monolith.feed,
    PORT: String(port),
    STORE_FILE: join(monolith.folder, 'control.sqlite'),
    PEER_TOKEN,
    CONFIG_FILE: join(monolith.folder, 'banyan.config.ts'),
    ADMIN_TOKEN_FILE: join(monolith.folder, 'admin.token'),
    MONOLITH_URL: 'http://127.0.0.1:9',
    SERVICE_URLS: `reviews=${serviceUrl}`,
  };
}

async function startControl(): Promise<ControlProcess> {
  const port = await findFreePort();
  const child = startProcess(new URL('main.ts', import.meta.url), controlEnv(port));
  controls.push(child);
  const url = `http://127.0.0.1:${port}`;
  await eventually('control is up', async () => {
    if (child.exitCode !== null) throw new Error(child.said());
    return (await fetch(`${url}/healthz`)).ok;
  });
  const adminToken = (await readFile(join(monolith.folder, 'admin.token'), 'utf8')).trim();
  const ask = (path: string, token = adminToken, init: RequestInit = {}): Promise<Response> =>
    fetch(`${url}${path}`, {
      ...init,
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    });
  return {
    kill: () => kill(child),
    async verb(verb) {
      const body = JSON.stringify({ by: 'tester', reason: 'a test' });
      const response = await ask(`/v1/slices/reviews/${verb}`, adminToken, { method: 'POST', body });
      return { status: response.status, text: await response.text() };
    },
    slice: async () => sliceStatusSchema.parse(await (await ask('/v1/slices/reviews')).json()),
    journal: async () => ((await (await ask('/v1/journal')).json()) as { entries: JournalEntry[] }).entries,
    routes: async () => (await (await ask('/v1/routes', PEER_TOKEN)).json()) as RoutesSnapshot,
  };
}

async function advance(control: ControlProcess): Promise<void> {
  await eventually('advance', async () => {
    const { status, text } = await control.verb('advance');
    if (status !== 200) throw new Error(text);
    return true;
  });
}

test('killed again and again while it copies, it ends with a complete, verified copy; killed in canary, it keeps the share', async () => {
  let control = await startControl();
  await advance(control);
  const versions = [(await control.routes()).version];
  // Killed at ever later moments of the copying, each time started again by nobody's help but the store's.
  for (const afterMs of [0, 60, 150, 400]) {
    await delay(afterMs);
    await control.kill();
    await monolith.sql.query(`UPDATE public.reviews SET body = 'better' WHERE id % 7 = ${afterMs % 7}`);
    control = await startControl();
    versions.push((await control.routes()).version);
  }
  const synced = await eventually('the copy is verified', async () => {
    const status = await control.slice();
    if (status.inSync && status.verification !== null) return status;
    throw new Error(JSON.stringify(status, null, 2));
  });
  expect(synced).toMatchObject({
    phase: 'syncing',
    verification: { rowsSource: ROWS, rowsTarget: ROWS, differences: 0 },
  });

  await advance(control);
  const before = await control.slice();
  const version = (await control.routes()).version;
  await control.kill();
  control = await startControl();
  expect(await control.slice()).toMatchObject({ phase: 'canary', share: 0.1, epoch: before.epoch });
  versions.push(version, (await control.routes()).version);
  expect(versions).toEqual([...new Set(versions)].sort((a, b) => a - b));

  expect((await control.verb('rollback')).status).toBe(200);
  expect((await control.routes()).slices[0]).toMatchObject({ share: 0, rolledBack: true });
  const epochs = (await control.journal()).map(({ epoch }) => epoch);
  expect(epochs).toEqual(Array.from({ length: epochs.length }, (_, index) => index + 1));
  expect((await stat(join(monolith.folder, 'admin.token'))).mode & 0o777).toBe(0o600);
}, 180_000);

test.each<[string, Record<string, string>, string[]]>([
  [
    'settings',
    { PORT: 'x', SERVICE_URLS: 'reviews', PEER_TOKEN: 'short', MONOLITH_URL: '' },
    ['PORT (', 'got "x"', '"reviews" is not slice=http://host:port', 'PEER_TOKEN (', 'MONOLITH_URL ('],
  ],
  [
    'a configuration file',
    { SERVICE_URLS: 'carts=http://127.0.0.1:1' },
    ['banyan.config.ts: slice "reviews" has no service', 'SERVICE_URLS names "carts", which is no slice'],
  ],
])('wrong %s end the start with every mistake and code 1', async (_what, wrong, findings) => {
  const child = startProcess(new URL('main.ts', import.meta.url), { ...controlEnv(0), ...wrong });
  const [code] = (await once(child, 'exit')) as [number | null];
  expect(code).toBe(1);
  for (const finding of findings) expect(child.said()).toContain(finding);
  expect(child.said()).not.toContain('short');
});

import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { rm } from 'node:fs/promises';
import { openSqliteBus, type Bus } from '@banyan/cdc/apply';
import { silentLogger } from '@banyan/kit';
import { stockServiceInFile } from '../fixtures/stock/stock-service.ts';
import { startService, type RunningService } from './start-service.ts';
import {
  changeOf,
  controlRecords,
  eventually,
  heartbeat,
  makeTestSettings,
  type TestSettings,
} from './testing/index.ts';

const LIMIT_MS = 400;
const LEVEL = '/api/products/oak-stool/stock';

let settings: TestSettings;
let stock: RunningService | undefined;
let bus: Bus;

beforeEach(async () => {
  settings = await makeTestSettings(stockServiceInFile);
  bus = await openSqliteBus({ file: settings.busFile });
});
afterEach(async () => {
  await stock?.close();
  stock = undefined;
  await bus.close();
  await settings.remove();
});

const rows = () => [
  changeOf('public.products', 'r', { id: 1, slug: 'oak-stool' }),
  changeOf('public.inventory', 'r', { product_id: 1, quantity: 7 }, ['product_id']),
];
const start = async (refuseReadsAfterMs: number) => {
  stock = await startService(stockServiceInFile, {
    settings: { ...settings, refuseReadsAfterMs },
    log: silentLogger,
  });
};
const ask = (path: string) => fetch(`${stock?.url ?? ''}${path}`);
const statusOf = async (path: string) => (await ask(path)).status;
const until = (path: string, wanted: number) =>
  eventually(
    () => statusOf(path),
    (status) => status === wanted,
  );

/** Heartbeats as a reader would write them, until told to end. */
function beat(): () => Promise<void> {
  const over = new AbortController();
  const beating = (async () => {
    while (!over.signal.aborted) {
      await bus.append([heartbeat()]);
      await new Promise((resolve) => setTimeout(resolve, LIMIT_MS / 8));
    }
  })();
  return async () => {
    over.abort();
    await beating;
  };
}

test('a copy that the feed has left refuses its readers, and answers them once the feed is back', async () => {
  await bus.append(rows());
  let stop = beat();
  await start(LIMIT_MS);
  await until(LEVEL, 200);
  await stop();

  await until(LEVEL, 503);
  const refused = await ask(LEVEL);
  expect(refused.headers.get('retry-after')).toBe('2');
  expect(refused.headers.get('cache-control')).toBe('no-store');
  expect(refused.headers.get('content-type')).toBe('application/problem+json; charset=utf-8');
  expect(await refused.json()).toEqual({
    type: 'about:blank',
    title: 'Service Unavailable',
    status: 503,
    detail: 'Stock cannot be shown at the moment. Please try again.',
    code: 'copy-unfit',
  });
  expect(await statusOf('/v1/stock')).toBe(503);
  expect((await fetch(`${stock?.url ?? ''}${LEVEL}`, { method: 'HEAD' })).status).toBe(503);
  // What is asked about the service itself goes on, and a write is as wrong here as ever.
  expect([await statusOf('/healthz'), await statusOf('/metrics')]).toEqual([200, 200]);
  expect((await fetch(`${stock?.url ?? ''}${LEVEL}`, { method: 'POST' })).status).toBe(409);

  stop = beat();
  await until(LEVEL, 200);
  await stop();
});

test('a service that starts while the feed is away refuses as soon as nothing was heard for too long', async () => {
  await bus.append([...rows(), heartbeat()]);
  await start(60_000);
  await until(LEVEL, 200);
  await stock?.close();
  await start(LIMIT_MS);
  await until(LEVEL, 503);
});

test('heartbeats of a backlog are as old as they are, however lately they were read', async () => {
  await bus.append(rows());
  const { value, ...record } = heartbeat();
  const { ts_ms: nowMs } = JSON.parse(value ?? '') as { ts_ms: number };
  await bus.append([{ ...record, value: JSON.stringify({ ts_ms: nowMs - 3_600_000 }) }]);
  await start(1_800_000);
  await until(LEVEL, 503);
  await bus.append([heartbeat()]);
  await until(LEVEL, 200);
});

test('a copy that was never made is not shown, empty as it is', async () => {
  await bus.append([heartbeat(), ...rows().slice(0, 1)]);
  await start(60_000);
  await until('/healthz', 200);
  expect(await statusOf(LEVEL)).toBe(503);
  await bus.append(rows().slice(1));
  await until(LEVEL, 200);
});

test('a copy that has missed records is not shown before it is begun anew', async () => {
  await bus.append([heartbeat(), ...rows()]);
  await start(60_000);
  await until(LEVEL, 200);
  await stock?.close();
  await bus.close();
  await Promise.all(['', '-wal', '-shm'].map((end) => rm(`${settings.busFile}${end}`, { force: true })));
  bus = await openSqliteBus({ file: settings.busFile });
  await bus.append([heartbeat()]);
  await start(60_000);
  await until(LEVEL, 503);
  const reset = controlRecords('reset', ['public.products', 'public.inventory']);
  await bus.append([...reset, ...rows()]);
  await until(LEVEL, 200);
});

import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { rm } from 'node:fs/promises';
import { openSqliteBus, type Bus } from '@banyan/cdc/apply';
import { controlRecordKey } from '@banyan/contracts';
import { silentLogger } from '@banyan/kit';
import { createReviews, type Reviews } from './create-reviews.ts';
import { changeOf, customer, heartbeat, product, review } from './testing/feed.ts';
import { eventually, makeTestSettings } from './testing/settings.ts';

const LIMIT_MS = 400;
const PAGE = '/products/oak-stool/reviews';
const JSON_LIST = '/api/products/oak-stool/reviews';

let settings: Awaited<ReturnType<typeof makeTestSettings>>;
let reviews: Reviews | undefined;
let bus: Bus;

beforeEach(async () => {
  settings = await makeTestSettings();
  bus = await openSqliteBus({ file: settings.busFile });
});
afterEach(async () => {
  await reviews?.close();
  reviews = undefined;
  await bus.close();
  await settings.remove();
});

const rows = () => [
  changeOf('public.products', 'r', product(1, 'oak-stool')),
  changeOf('public.customers', 'r', customer(1, 'Ada')),
  changeOf('public.reviews', 'r', review(1)),
];
const start = async (refuseReadsAfterMs: number) => {
  reviews = await createReviews({ ...settings, refuseReadsAfterMs, log: silentLogger });
};
const ask = (path: string) => fetch(`${reviews?.url ?? ''}${path}`);
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
  await until(JSON_LIST, 200);
  await stop();

  await until(JSON_LIST, 503);
  const refused = await ask(JSON_LIST);
  expect(refused.headers.get('retry-after')).toBe('2');
  expect(refused.headers.get('cache-control')).toBe('no-store');
  expect(await refused.json()).toMatchObject({ error: { code: 'copy-unfit' } });
  const page = await ask(PAGE);
  expect([page.status, page.headers.get('content-type')]).toEqual([503, 'text/html; charset=utf-8']);
  expect(await page.text()).toContain('We will be back shortly');
  expect(await statusOf('/v1/products/oak-stool/ratings')).toBe(503);
  expect((await fetch(`${reviews?.url ?? ''}${PAGE}`, { method: 'HEAD' })).status).toBe(503);
  // What is asked about the service itself goes on, and a write is as wrong here as ever.
  expect([await statusOf('/healthz'), await statusOf('/metrics')]).toEqual([200, 200]);
  expect((await fetch(`${reviews?.url ?? ''}${PAGE}`, { method: 'POST' })).status).toBe(409);

  stop = beat();
  await until(JSON_LIST, 200);
  await stop();
});

test('a service that starts while the feed is away refuses as soon as nothing was heard for too long', async () => {
  await bus.append([...rows(), heartbeat()]);
  await start(60_000);
  await until(JSON_LIST, 200);
  await reviews?.close();
  await start(LIMIT_MS);
  await until(JSON_LIST, 503);
});

test('heartbeats of a backlog are as old as they are, however lately they were read', async () => {
  await bus.append(rows());
  const { value, ...record } = heartbeat();
  const { ts_ms: nowMs } = JSON.parse(value ?? '') as { ts_ms: number };
  await bus.append([{ ...record, value: JSON.stringify({ ts_ms: nowMs - 3_600_000 }) }]);
  await start(1_800_000);
  await until(JSON_LIST, 503);
  await bus.append([heartbeat()]);
  await until(JSON_LIST, 200);
});

test('a copy that was never made is not shown, empty as it is', async () => {
  await bus.append([heartbeat(), ...rows().slice(0, 2)]);
  await start(60_000);
  await until('/healthz', 200);
  expect(await statusOf(JSON_LIST)).toBe(503);
  await bus.append(rows().slice(2));
  await until(JSON_LIST, 200);
});

test('a copy that has missed records is not shown before it is begun anew', async () => {
  await bus.append([heartbeat(), ...rows()]);
  await start(60_000);
  await until(JSON_LIST, 200);
  await reviews?.close();
  await bus.close();
  await Promise.all(['', '-wal', '-shm'].map((end) => rm(`${settings.busFile}${end}`, { force: true })));
  bus = await openSqliteBus({ file: settings.busFile });
  await bus.append([heartbeat()]);
  await start(60_000);
  await until(JSON_LIST, 503);
  const reset = ['public.reviews', 'public.products', 'public.customers'].map((table) => ({
    ...{ topic: `shop.${table}`, key: controlRecordKey('reset') },
    ...{ headers: {}, value: null },
  }));
  await bus.append([...reset, ...rows()]);
  await until(JSON_LIST, 200);
});

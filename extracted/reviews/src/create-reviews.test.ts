import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { mkdir } from 'node:fs/promises';
import { openSqliteBus, type Bus } from '@banyan/cdc/apply';
import { controlRecordKey, syncReportSchema } from '@banyan/contracts';
import { silentLogger } from '@banyan/kit';
import { createReviews, type Reviews } from './create-reviews.ts';
import { changeOf, customer, heartbeat, product, review } from './testing/feed.ts';
import { eventually, makeTestSettings } from './testing/settings.ts';

let settings: Awaited<ReturnType<typeof makeTestSettings>>;
let reviews: Reviews | undefined;
let bus: Bus | undefined;

beforeEach(async () => {
  settings = await makeTestSettings();
});
afterEach(async () => {
  await reviews?.close();
  await bus?.close();
  reviews = bus = undefined;
  await settings.remove();
});

async function startBoth(): Promise<{ bus: Bus; url: string }> {
  bus = await openSqliteBus({ file: settings.busFile });
  reviews = await createReviews({ ...settings, log: silentLogger });
  return { bus, url: reviews.url };
}

interface Listed {
  readonly count: number;
  readonly average: number | null;
  readonly reviews: readonly { readonly id: string; readonly title: string }[];
}
const ask = async (path: string, init?: RequestInit) => {
  const response = await fetch(`${reviews?.url ?? ''}${path}`, init);
  return { status: response.status, body: await response.json() };
};
const list = async () => (await ask('/api/products/oak-stool/reviews')).body as Listed;
const count = (wanted: number) => eventually(list, (answer) => answer.count === wanted);
const asPeer = (path: string) => ask(path, { headers: { authorization: `Bearer ${settings.peerToken}` } });

describe('the copy', () => {
  test('brings what the feed tells, whatever comes first, and takes back what is hidden or deleted', async () => {
    const feed = (await startBoth()).bus;
    await feed.append([
      changeOf('public.reviews', 'r', review(9_007_199_254_740_993n, { rating: 5 })),
      changeOf('public.reviews', 'r', review(2, { customer_id: 2 })),
      changeOf('public.customers', 'r', customer(1, 'Ada')),
      changeOf('public.customers', 'r', customer(2, 'Grace')),
      changeOf('public.products', 'r', product(1, 'oak-stool')),
    ]);
    expect(await count(2)).toMatchObject({
      average: 4.5,
      product: { slug: 'oak-stool', name: 'Product 1' },
      reviews: [
        { id: '9007199254740993', author: { name: 'Ada' } },
        { id: '2', author: { name: 'Grace' } },
      ],
    });
    await feed.append([changeOf('public.reviews', 'u', review(2, { customer_id: 2, status: 'hidden' }))]);
    expect(await count(1)).toMatchObject({ average: 5 });
    await feed.append([changeOf('public.reviews', 'd', review(9_007_199_254_740_993n))]);
    expect(await count(0)).toMatchObject({ average: null });
  });

  test('begins anew after a reset, and says which barriers it met', async () => {
    const feed = (await startBoth()).bus;
    const control = (kind: 'reset' | 'barrier', headers = {}) =>
      ['public.reviews', 'public.products', 'public.customers'].map((table) => ({
        topic: `shop.${table}`,
        key: controlRecordKey(kind),
        headers,
        value: null,
      }));
    const rows = [
      changeOf('public.products', 'r', product(1, 'oak-stool')),
      changeOf('public.customers', 'r', customer(1, 'Ada')),
    ];
    await feed.append([...rows, changeOf('public.reviews', 'r', review(1))]);
    await count(1);
    await feed.append([
      ...control('reset'),
      ...rows,
      changeOf('public.reviews', 'r', review(7)),
      ...control('barrier', { id: 'b-1' }),
    ]);
    await eventually(
      () => asPeer('/_banyan/barriers/b-1'),
      ({ body }) => (body as { metTopics: string[] }).metTopics.length === 3,
    );
    expect((await list()).reviews.map(({ id }) => id)).toEqual(['7']);
  });

  test('tells peers, and nobody else, how it stands', async () => {
    const feed = (await startBoth()).bus;
    await feed.append([heartbeat(), changeOf('public.reviews', 'c', review(1))]);
    await eventually(
      () => ask('/readyz'),
      ({ status }) => status === 200,
    );
    const { body } = await eventually(
      () => asPeer('/_banyan/sync'),
      (answer) => syncReportSchema.parse(answer.body).heartbeatAtMs !== null,
    );
    expect(syncReportSchema.parse(body)).toMatchObject({ slice: 'reviews', state: 'running', error: null });
    expect((await ask('/_banyan/sync')).status).toBe(401);
    const metrics = await (await fetch(`${reviews?.url ?? ''}/metrics`)).text();
    expect(metrics).toMatch(/reviews_copy_lag_seconds\{quantile="0\.99"\} [\d.]+/);
    expect(metrics).toMatch(/reviews_copy_heartbeat_age_seconds\{slice="reviews"\} [\d.]+/);
  });

  test('goes on from where it stopped', async () => {
    const feed = (await startBoth()).bus;
    await feed.append([
      changeOf('public.products', 'r', product(1, 'oak-stool')),
      changeOf('public.customers', 'r', customer(1, 'Ada')),
      changeOf('public.reviews', 'r', review(1)),
    ]);
    await count(1);
    await reviews?.close();
    await feed.append([changeOf('public.reviews', 'c', review(2, { customer_id: 1, product_id: 1 }))]);
    reviews = await createReviews({ ...settings, log: silentLogger });
    await count(2);
  });
});

test('without a bus it refuses its readers, how old its rows are being unknown, and is not ready', async () => {
  const feed = (await startBoth()).bus;
  const rows = [product(1, 'oak-stool')].map((row) => changeOf('public.products', 'r', row));
  await feed.append([
    ...rows,
    changeOf('public.customers', 'r', customer(1, 'Ada')),
    changeOf('public.reviews', 'r', review(1, { status: 'hidden' })),
  ]);
  await eventually(
    () => ask('/api/products/oak-stool/reviews'),
    ({ status }) => status === 200,
  );
  await reviews?.close();
  // A bus file that cannot be opened: it is a folder.
  const missing = `${settings.busFile}-missing`;
  await mkdir(missing);
  reviews = await createReviews({ ...settings, busFile: missing, log: silentLogger });
  expect(await ask('/api/products/oak-stool/reviews')).toMatchObject({
    ...{ status: 503, body: { error: { code: 'copy-unfit' } } },
  });
  const ready = await eventually(
    () => ask('/readyz'),
    ({ body }) => JSON.stringify(body).includes('cannot start'),
  );
  expect(ready.status).toBe(503);
  expect((await asPeer('/_banyan/sync')).status).toBe(503);
  expect((await ask('/_banyan/sync')).status).toBe(401);
  expect((await ask('/healthz')).status).toBe(200);
});

test('closes once, while the copy is trying to start and when the port is taken', async () => {
  const { url } = await startBoth();
  const port = Number(new URL(url).port);
  const other = await makeTestSettings();
  await expect(createReviews({ ...other, port, log: silentLogger })).rejects.toMatchObject({
    code: 'EADDRINUSE',
  });
  const late = await createReviews({ ...other, log: silentLogger });
  await Promise.all([late.close(), late.close()]);
  await other.remove();
});

import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { mkdir } from 'node:fs/promises';
import { openSqliteBus, type Bus } from '@banyan/cdc/apply';
import { defineSlice, syncReportSchema } from '@banyan/contracts';
import { silentLogger } from '@banyan/kit';
import { stockServiceInFile } from '../fixtures/stock/stock-service.ts';
import { defineService } from './define-service.ts';
import { get, post } from './http/route.ts';
import { startService, type RunningService } from './start-service.ts';
import {
  changeOf,
  controlRecords,
  eventually,
  heartbeat,
  makeTestSettings,
  type TestSettings,
} from './testing/index.ts';

const TABLES = ['public.products', 'public.inventory'];
let settings: TestSettings;
let bus: Bus;
let running: RunningService[];

beforeEach(async () => {
  running = [];
  settings = await makeTestSettings(stockServiceInFile);
  bus = await openSqliteBus({ file: settings.busFile });
});
afterEach(async () => {
  for (const service of running) await service.close();
  await bus.close();
  await settings.remove();
});

async function start(changed: Partial<TestSettings> = {}): Promise<RunningService> {
  const service = await startService(stockServiceInFile, {
    settings: { ...settings, ...changed },
    log: silentLogger,
  });
  running.push(service);
  return service;
}
const product = (id: number) => changeOf('public.products', 'r', { id, slug: `p-${id}` });
const level = (id: number, quantity: number) =>
  changeOf('public.inventory', 'r', { product_id: id, quantity }, ['product_id']);
const ask = async ({ url }: RunningService, path: string, init?: RequestInit) => {
  const response = await fetch(url + path, init);
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
};
const asPeer = (service: RunningService, path: string) =>
  ask(service, path, { headers: { authorization: `Bearer ${settings.peerToken}` } });
const untilListed = (service: RunningService, levels: readonly object[]) =>
  eventually(
    () => ask(service, '/v1/stock'),
    ({ body }) => JSON.stringify(body['levels']) === JSON.stringify(levels),
  );

describe('a service', () => {
  test('goes on from where it stopped, begins again after a reset, and says which barriers it met', async () => {
    let service = await start();
    await bus.append([product(1), level(1, 5)]);
    await untilListed(service, [{ slug: 'p-1', level: 5 }]);
    await service.close();
    await bus.append([level(1, 4)]);
    service = await start();
    await untilListed(service, [{ slug: 'p-1', level: 4 }]);
    await bus.append([
      ...controlRecords('reset', TABLES),
      product(2),
      level(2, 9),
      ...controlRecords('barrier', TABLES, { id: 'b-1' }),
    ]);
    await eventually(
      () => asPeer(service, '/_banyan/barriers/b-1'),
      ({ body }) => (body['metTopics'] as string[]).length === TABLES.length,
    );
    await untilListed(service, [{ slug: 'p-2', level: 9 }]);
  });

  test('tells peers, and nobody else, how its copy stands', async () => {
    const service = await start();
    await bus.append([heartbeat(), product(1), level(1, 5)]);
    const { body } = await eventually(
      () => asPeer(service, '/_banyan/sync'),
      (answer) => syncReportSchema.safeParse(answer.body).data?.heartbeatAtMs != null,
    );
    expect(body).toMatchObject({ slice: 'stock-watch', state: 'running', error: null });
    expect((await ask(service, '/_banyan/sync')).status).toBe(401);
    const metrics = await (await fetch(`${service.url}/metrics`)).text();
    expect(metrics).toMatch(/banyan_service_copy_lag_seconds\{slice="stock-watch",quantile="0\.99"\} [\d.]+/);
  });

  test('without a bus refuses its readers, how old its rows are being unknown, and is not ready', async () => {
    // A bus file that cannot be opened: it is a folder.
    const busFile = `${settings.busFile}-missing`;
    await mkdir(busFile);
    const service = await start({ busFile });
    expect(await ask(service, '/v1/stock')).toMatchObject({ status: 503, body: { code: 'copy-unfit' } });
    const ready = await eventually(
      () => ask(service, '/readyz'),
      ({ body }) => JSON.stringify(body).includes('cannot start'),
    );
    expect(ready.status).toBe(503);
    expect((await asPeer(service, '/_banyan/sync')).status).toBe(503);
    expect((await ask(service, '/_banyan/sync')).status).toBe(401);
    expect((await ask(service, '/healthz')).status).toBe(200);
  });

  test('closes once, while the copy is trying to start and when the port is taken', async () => {
    const { port } = await start();
    const other = await makeTestSettings(stockServiceInFile);
    await expect(start({ ...other, port })).rejects.toMatchObject({ code: 'EADDRINUSE' });
    const late = await start(other);
    await Promise.all([late.close(), late.close()]);
    await other.remove();
  });

  test('lives beside another one in one process, each with its own store, metrics and end', async () => {
    const second = await makeTestSettings(stockServiceInFile);
    const slice = { ...stockServiceInFile.slice, name: 'stock-two' };
    const [one, two] = [
      await start(),
      await startService({ ...stockServiceInFile, slice }, { settings: second, log: silentLogger }),
    ];
    running.push(two);
    await bus.append([product(1), level(1, 5)]);
    await untilListed(one, [{ slug: 'p-1', level: 5 }]);
    expect((await ask(two, '/v1/stock')).status).toBe(503); // its own bus is empty
    expect(await (await fetch(`${two.url}/metrics`)).text()).not.toContain('slice="stock-watch"');
    await two.close();
    expect((await ask(one, '/healthz')).status).toBe(200);
    await second.remove();
  });
});

describe('a service that does not fit together', () => {
  test('does not start, and names every route and operation', async () => {
    const wrong = {
      ...stockServiceInFile,
      routes: () => [
        get('/api/products/:slug/stock', () => ({})),
        get('/v1/shelves', () => ({})),
        post('/api/products/:slug/orders'),
      ],
    };
    const started = startService(wrong, { settings, log: silentLogger });
    await expect(started).rejects.toMatchObject({
      code: 'service-definition-invalid',
      problems: [
        expect.stringMatching(/^POST \/api\/products\/:slug\/orders: outside of the slice's routes/),
        'GET /v1/shelves: not in the OpenAPI file',
        'POST /api/products/:slug/orders: not in the OpenAPI file',
        'POST /api/products/:slug/stock: in the OpenAPI file, and no route takes it',
        'GET /v1/stock: in the OpenAPI file, and no route takes it',
      ],
    });
    // Everything that it had opened is closed: the store opens again.
    await start();
  });
});

test('a service without tables wants no store and no bus, and is ready at once', async () => {
  const service = defineService({
    slice: defineSlice({
      name: 'bare',
      title: 'Bare',
      routes: [{ path: '/api/products/:slug/stock' }],
      tables: [],
    }),
    openapi: stockServiceInFile.openapi,
    routes: () => [
      get('/api/products/:slug/stock', ({ params }) => ({ slug: params.slug, level: 0 })),
      post('/api/products/:slug/stock'),
      get('/v1/stock', () => ({})),
    ],
  });
  const { host, port, peerToken, identityPublicKey } = settings;
  const bare = await startService(service, {
    settings: { host, port, peerToken, identityPublicKey },
    log: silentLogger,
  });
  running.push(bare);
  expect((await ask(bare, '/readyz')).status).toBe(200);
  expect(await ask(bare, '/api/products/x/stock')).toEqual({ status: 200, body: { slug: 'x', level: 0 } });
});

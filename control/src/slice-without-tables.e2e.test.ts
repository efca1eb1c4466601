/** A slice that copies nothing, in a control plane without any database: it goes by its errors and its latency. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import {
  defineSlice,
  type Problem,
  type SliceStatus,
  type StatusReport,
  type VerbResponse,
} from '@banyan/contracts';
import { listen } from '@banyan/kit';
import { findFreePort } from '@banyan/postgres';
import express from 'express';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { eventually, kill, processes, startProcess } from '../testing/processes.ts';
import { createTestSlice } from '../testing/fake-feed.ts';
import { PEER_TOKEN } from '../testing/test-control.ts';

const slice = defineSlice({
  name: 'start-page',
  title: 'Start page',
  routes: [{ path: '/' }],
  tables: [],
  canaryShares: [0.5, 1],
});
let folder: string;
let service: { readonly url: string; close(): Promise<void> };
let isReady = true;
let url: string;
/** Told in the proxy's next reports. */
let told = {
  service: { requests: 0, errors: 0, p95Ms: 10 },
  monolith: { requests: 0, errors: 0, p95Ms: 10 },
};

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'banyan-tableless-'));
  const app = express().get('/readyz', (_request, response) => void response.sendStatus(isReady ? 200 : 503));
  service = await listen(app, { port: 0, graceMs: 100 });
  const started = await start([slice]);
  ({ url } = started);
  await eventually('control is up', async () => {
    if (started.child.exitCode !== null) throw new Error(started.child.said());
    return (await fetch(`${url}/healthz`)).ok;
  });
});
afterAll(async () => {
  for (const child of processes) await kill(child);
  await service.close();
  await rm(folder, { recursive: true });
});

async function start(
  slices: readonly object[],
): Promise<{ child: ReturnType<typeof startProcess>; url: string }> {
  const file = join(folder, `${slices.length}.config.ts`);
  await writeFile(file, `export const config = ${JSON.stringify({ slices })}`);
  const port = String(await findFreePort());
  const names = slices.map((each) => `${(each as { name: string }).name}=${service.url}`);
  const child = startProcess(new URL('main.ts', import.meta.url), {
    PATH: process.env['PATH'] ?? '',
    LOG_LEVEL: 'warn',
    PEER_TOKEN,
    PORT: port,
    CONFIG_FILE: file,
    STORE_FILE: join(folder, `${slices.length}.sqlite`),
    ADMIN_TOKEN_FILE: join(folder, 'admin.token'),
    MONOLITH_URL: 'http://127.0.0.1:9',
    SERVICE_URLS: names.join(','),
    GATE_GRACE_MS: '1500',
  });
  return { child, url: `http://127.0.0.1:${port}` };
}

interface Answer<T> {
  readonly status: number;
  readonly body: T;
}

async function ask<T>(path: string, body?: object): Promise<Answer<T>> {
  const token = (await readFile(join(folder, 'admin.token'), 'utf8')).trim();
  const response = await fetch(`${url}${path}`, {
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    ...(body && { method: 'POST', body: JSON.stringify({ by: 'tester', ...body }) }),
  });
  return { status: response.status, body: (await response.json()) as T };
}

const look = async (): Promise<SliceStatus> => (await ask<SliceStatus>('/v1/slices/start-page')).body;
const verb = (name: string, body: object = {}) =>
  ask<VerbResponse & Problem>(`/v1/slices/start-page/${name}`, body);

/** A proxy's report, as it sends one each second. */
async function tell(changes: {
  readonly [side in keyof typeof told]?: Partial<(typeof told)['service']>;
}): Promise<void> {
  told = {
    service: { ...told.service, ...changes.service },
    monolith: { ...told.monolith, ...changes.monolith },
  };
  const { share: askedShare } = await look();
  const side = (of: keyof typeof told) => ({ ...told[of], p50Ms: 5 });
  const traffic = {
    slice: 'start-page',
    askedShare,
    byReason: {},
    breaker: 'closed',
    sinceShareChange: { eligible: 0, servedByService: 0 },
    withoutKey: 0,
    monolith: side('monolith'),
    service: side('service'),
  };
  const report = {
    proxyId: 'proxy-1',
    adminUrl: 'http://127.0.0.1:9',
    publicUrl: 'http://127.0.0.1:9',
    startedAtMs: 1,
    snapshotVersion: 1,
    requests: 1,
    clientErrors: 0,
    slices: [traffic],
  };
  const response = await fetch(`${url}/v1/proxies/report`, {
    method: 'POST',
    headers: { authorization: `Bearer ${PEER_TOKEN}`, 'content-type': 'application/json' },
    body: JSON.stringify(report),
  });
  if (!response.ok) throw new Error(await response.text());
}

test('without SOURCE_URL it starts, and says that there is no feed', async () => {
  const { body } = await ask<StatusReport>('/v1/status');
  expect(body.feed).toMatchObject({ state: 'none', error: null });
  expect(body.next_steps).not.toContain('banyan doctor');
});

test('a slice with tables beside it is refused by name', async () => {
  const { child } = await start([slice, createTestSlice()]);
  await eventually('it ends', () => Promise.resolve(child.exitCode !== null));
  expect(child.said()).toMatch(/SOURCE_URL .*wanted by slices that copy tables: reviews; it is not set/);
});

test('it goes to its first share when its service answers, and on when errors and latency are good', async () => {
  isReady = false;
  const refused = await verb('advance');
  expect([refused.status, refused.body.error.evidence.join()]).toEqual([409, expect.stringContaining('503')]);
  isReady = true;
  expect((await verb('advance')).body).toMatchObject({ from: 'monolith', to: 'canary 50 %' });
  // Nobody came yet: that is no reason to go on, and none to go back.
  await tell({});
  const early = await verb('advance');
  expect(early.body.error.evidence.join('\n')).toMatch(
    /errors \(inconclusive\)[\s\S]*latency \(inconclusive\)/,
  );
  await tell({ service: { requests: 100, p95Ms: 90 }, monolith: { requests: 100, p95Ms: 20 } });
  const slow = await verb('advance');
  expect(slow.body.error.evidence).toEqual([
    expect.stringMatching(/^latency \(fail\): 90 ms for 95 % .* \(limit 50 ms\)/),
  ]);
  await tell({ service: { requests: 200, p95Ms: 30 } });
  expect((await verb('advance')).body).toMatchObject({ from: 'canary 50 %', to: 'canary 100 %' });
  expect(await look()).toMatchObject({ phase: 'canary', inSync: true, tables: [], verification: null });
});

test('its reads are taken back when the service fails more than the monolith; what it lacks is refused', async () => {
  expect((await verb('resync', { reason: 'x' })).status).toBe(409);
  expect((await verb('verify')).body.error.evidence).toEqual([
    'it copies no table: there is nothing to verify',
  ]);
  await tell({ service: { requests: 300, errors: 40 } });
  await eventually('the reads are with the monolith', async () => {
    await tell({});
    return (await look()).phase === 'monolith';
  });
  const { entries } = (await ask<{ entries: { verb: string; by: string; reason: string }[] }>('/v1/journal'))
    .body;
  expect(entries.at(-1)).toMatchObject({
    verb: 'rollback',
    by: 'gate',
    reason: expect.stringMatching(/errors \(fail\)/),
  });
});

test('a rollback by hand goes to the monolith at once, and the way is open again', async () => {
  expect((await verb('advance')).body).toMatchObject({ to: 'canary 50 %' });
  expect((await verb('rollback', { reason: 'not today' })).body).toMatchObject({ to: 'monolith' });
  expect((await verb('route', { share: 0.2, reason: 'a few' })).body).toMatchObject({ to: 'canary 20 %' });
});

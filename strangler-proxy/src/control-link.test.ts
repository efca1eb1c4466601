import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { RoutesSnapshot } from '@banyan/contracts';
import { silentLogger } from '@banyan/kit';
import { pino } from 'pino';
import { Agent } from 'undici';
import { openSnapshotStream } from './routes/snapshot-stream.ts';
import { startFakeControl } from './testing/fake-control.ts';
import {
  ask,
  eventually,
  freePortUrl,
  Opened,
  sliceOf,
  snapshotOf,
  startProxy,
  startUpstream,
  VISITOR,
} from './testing/fixtures.ts';

const opened = new Opened();
let folder = '';
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'banyan-proxy-'));
});
afterEach(async () => {
  await opened.close();
  await rm(folder, { recursive: true });
});

/** Two upstreams, and snapshots that name them. */
async function startSides(): Promise<{ monolithUrl: string; snapshot: (version: number) => RoutesSnapshot }> {
  const monolith = await startUpstream(opened, (_request, response) => response.end('monolith'));
  const service = await startUpstream(opened, (_request, response) => response.end('service'));
  return {
    monolithUrl: monolith.url,
    snapshot: (version) => snapshotOf(version, monolith.url, [sliceOf(service.url)]),
  };
}

describe('routes snapshots', () => {
  test('come by the stream, also after it broke, and lower versions are passed over', async () => {
    const { monolithUrl, snapshot } = await startSides();
    const control = await startFakeControl(opened);
    const proxy = await startProxy(opened, { monolithUrl, controlUrl: control.url });
    const version = (): number => proxy.report().snapshotVersion;
    expect((await ask(`${proxy.url}/cart`, { headers: { cookie: VISITOR } })).text).toBe('monolith');
    await eventually('the proxy listens', () => control.streams === 1);
    control.send(snapshot(5));
    await eventually('version 5 is in use', () => version() === 5);
    expect((await ask(`${proxy.url}/cart`, { headers: { cookie: VISITOR } })).text).toBe('service');
    control.cut();
    control.send(snapshot(7));
    await eventually('version 7 is in use', () => version() === 7);
    control.send(snapshot(6));
    control.send(snapshot(8));
    await eventually('version 8 is in use', () => version() === 8);
    expect(proxy.applySnapshot(snapshot(3))).toEqual({ kind: 'ignored', version: 3 });
    expect(version()).toBe(8);
  });

  test('of one version are taken in the order of their issue, since settings change without a step', async () => {
    const { monolithUrl, snapshot } = await startSides();
    const proxy = await startProxy(opened, { monolithUrl });
    const issued = (atMs: number, letterCase: 'same' | 'different'): string =>
      proxy.applySnapshot({
        ...snapshot(4),
        issuedAtMs: atMs,
        paths: { trailingSlash: 'same', letterCase },
      }).kind;
    const side = async (): Promise<string> =>
      (await ask(`${proxy.url}/CART`, { headers: { cookie: VISITOR } })).text;
    expect([issued(2_000, 'different'), await side()]).toEqual(['applied', 'monolith']);
    expect([issued(3_000, 'same'), await side()]).toEqual(['applied', 'service']);
    expect([issued(3_000, 'different'), issued(1_000, 'different'), await side()]).toEqual([
      'ignored',
      'ignored',
      'service',
    ]);
  });

  test('that are wrong leave the old one serving, with every mistake in the log', async () => {
    const { monolithUrl, snapshot } = await startSides();
    const lines: string[] = [];
    const log = pino({ level: 'error' }, { write: (line: string) => lines.push(line) });
    const control = await startFakeControl(opened);
    const proxy = await startProxy(opened, { monolithUrl, controlUrl: control.url, log });
    control.send(snapshot(1));
    await eventually('version 1 is in use', () => proxy.report().snapshotVersion === 1);

    const [slice] = snapshot(2).slices;
    control.send({ ...snapshot(2), version: 0.5, slices: [{ ...sliceOf(''), share: 2 }] });
    control.send('{"version":');
    control.send({ ...snapshot(3), slices: slice ? [slice, { ...slice, name: 'other' }] : [] });
    await eventually('all three are refused', () => lines.length === 3);
    expect(lines[0]).toMatch(/version: .*slices\.0\.share: .*slices\.0\.upstreams\.0: /);
    expect(lines[1]).toContain('not JSON');
    expect(lines[2]).toContain('/cart belongs to both');
    expect(lines.every((line) => line.includes('"servingVersion":1'))).toBe(true);
    expect((await ask(`${proxy.url}/cart`, { headers: { cookie: VISITOR } })).text).toBe('service');
    const metrics = (await ask(`${proxy.adminUrl}/metrics`)).text;
    expect(metrics).toContain('banyan_proxy_invalid_routes_total 3');
  });

  test('are kept in a file, and served from it when control is down at the start', async () => {
    const { monolithUrl, snapshot } = await startSides();
    const snapshotFile = join(folder, 'deep', 'routes.json');
    const control = await startFakeControl(opened);
    const before = await startProxy(opened, { monolithUrl, controlUrl: control.url, snapshotFile });
    for (const version of [4, 5, 6]) control.send(snapshot(version));
    await eventually('version 6 is in use', () => before.report().snapshotVersion === 6);
    await before.close();
    await control.close();
    expect(JSON.parse(await readFile(snapshotFile, 'utf8'))).toMatchObject({ version: 6 });
    expect(await readdir(join(folder, 'deep'))).toEqual(['routes.json']);

    const after = await startProxy(opened, {
      monolithUrl: await freePortUrl(),
      controlUrl: control.url,
      snapshotFile,
    });
    expect(after.report().snapshotVersion).toBe(6);
    expect((await ask(`${after.url}/cart`, { headers: { cookie: VISITOR } })).text).toBe('service');
    expect((await ask(`${after.url}/`)).text).toBe('monolith');
  });

  test('in a file from before a side could have several servers are served from', async () => {
    const { monolithUrl, snapshot } = await startSides();
    const { monolithUpstreams, slices, ...rest } = snapshot(3);
    const old = slices.map(({ upstreams, ...slice }) => ({ ...slice, serviceUrl: upstreams[0] }));
    const snapshotFile = join(folder, 'routes.json');
    await writeFile(
      snapshotFile,
      JSON.stringify({ ...rest, monolithUrl: monolithUpstreams[0], slices: old }),
    );
    const proxy = await startProxy(opened, { monolithUrl, snapshotFile });
    expect((await ask(`${proxy.url}/cart`, { headers: { cookie: VISITOR } })).text).toBe('service');
    expect(proxy.report().snapshotVersion).toBe(3);
  });

  test('in a broken file are passed over: everything goes to the monolith', async () => {
    const { monolithUrl } = await startSides();
    const snapshotFile = join(folder, 'routes.json');
    await writeFile(snapshotFile, '{"version": 3, "half');
    const proxy = await startProxy(opened, { monolithUrl, snapshotFile });
    expect((await ask(`${proxy.url}/cart`, { headers: { cookie: VISITOR } })).text).toBe('monolith');
    expect(proxy.report().snapshotVersion).toBe(0);
  });
});

test('the proxy serves on while control is away, and reports when it is back', async () => {
  const { monolithUrl, snapshot } = await startSides();
  const control = await startFakeControl(opened);
  const proxy = await startProxy(opened, { monolithUrl, controlUrl: control.url, proxyId: 'p7' });
  control.send(snapshot(1));
  await eventually('it reports', () => control.reports.some(({ snapshotVersion }) => snapshotVersion === 1));
  await control.close();
  expect((await ask(`${proxy.url}/cart`, { headers: { cookie: VISITOR } })).text).toBe('service');
  const back = await startFakeControl(opened, Number(new URL(control.url).port));
  await eventually('it reports again', () => back.reports.length > 0);
  expect(back.reports[0]).toMatchObject({ proxyId: 'p7', publicUrl: proxy.url, adminUrl: proxy.adminUrl });
  back.send(snapshot(2));
  await eventually('version 2 is in use', () => proxy.report().snapshotVersion === 2);
});

test('a stream that falls silent is opened anew, one that pings is kept', async () => {
  const silent = await startUpstream(opened, (_request, response) => response.writeHead(200).flushHeaders());
  let pings = 0;
  const pinging = await startUpstream(opened, (_request, response) => {
    response.writeHead(200).flushHeaders();
    const timer = setInterval(() => {
      pings += 1;
      response.write(': ping\n\n');
    }, 20);
    response.on('close', () => clearInterval(timer));
  });
  const dispatcher = new Agent();
  const rest = {
    peerToken: 'x',
    proxyId: 'p',
    dispatcher,
    log: silentLogger,
    onSnapshot: () => undefined,
    onConnected: () => undefined,
    backoffMs: 5,
  };
  const one = openSnapshotStream({ ...rest, controlUrl: silent.url, silenceMs: 50 });
  const two = openSnapshotStream({ ...rest, controlUrl: pinging.url, silenceMs: 400 });
  await eventually('it connects again', () => silent.requests.length >= 3);
  await eventually('it pings for longer than it may be silent', () => pings > 30);
  expect(pinging.requests).toHaveLength(1);
  await one.close();
  await two.close();
  await dispatcher.destroy();
});

test('a proxy that control reaches by another address than its own reports that one', async () => {
  const { monolithUrl } = await startSides();
  const proxy = await startProxy(opened, { monolithUrl, adminUrl: 'http://proxy:9090' });
  expect(proxy.report().adminUrl).toBe('http://proxy:9090');
});

describe('the stream of routes', () => {
  /** Sends bytes in pieces, as an event stream. */
  async function listenTo(pieces: readonly string[]): Promise<{ texts: string[]; reasons: string[] }> {
    const control = await startUpstream(opened, (_request, response) => {
      response.writeHead(200);
      void (async () => {
        for (const piece of pieces) {
          await new Promise((resolve) => response.write(piece, 'latin1', resolve));
          await new Promise((resolve) => setImmediate(resolve));
        }
        response.end();
      })();
    });
    const texts: string[] = [];
    const reasons: string[] = [];
    const log = pino({ level: 'warn' }, { write: (line: string) => reasons.push(line) });
    const dispatcher = new Agent();
    const stream = openSnapshotStream({
      controlUrl: control.url,
      peerToken: 'x',
      proxyId: 'p',
      dispatcher,
      log,
      onSnapshot: (text) => texts.push(text),
      onConnected: () => undefined,
      backoffMs: 60_000,
    });
    opened.add(() => stream.close().then(() => dispatcher.destroy()));
    await eventually('it has ended', () => reasons.length > 0);
    return { texts, reasons };
  }

  test('is read wherever it is cut into pieces, within a character too; other events are passed over', async () => {
    const bytes = Buffer.from(
      ': ping\n\nevent: routes\ndata: {"a":"\u00e9"}\n\nid: 7\nretry: 10\nwhat: x\n\ndata: unnamed\n\n' +
        'event: routes\r\ndata: one\r\ndata:two\r\n\r\nevent: other\ndata: x\n\nevent: routes\ndata: cut off',
    ).toString('latin1');
    for (const size of [1, 3, 7, bytes.length]) {
      const pieces = Array.from({ length: Math.ceil(bytes.length / size) }, (_, i) =>
        bytes.slice(i * size, (i + 1) * size),
      );
      const { texts, reasons } = await listenTo(pieces);
      expect(texts).toEqual(['{"a":"\u00e9"}', 'one\ntwo']);
      expect(reasons[0]).toContain('the control plane ended the stream');
    }
  });

  test('is given up for an event that never ends, before it fills the memory', async () => {
    const { texts, reasons } = await listenTo(Array<string>(50).fill(`data: ${'x'.repeat(100_000)}`));
    expect(texts).toEqual([]);
    expect(reasons[0]).toContain('max buffer size of 4000000 characters');
  });
});

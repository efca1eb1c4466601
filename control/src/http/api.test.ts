import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import {
  problemSchema,
  routesSnapshotSchema,
  statusReportSchema,
  type Explanation,
  type JournalEntry,
  type Problem,
  type RoutesSnapshot,
} from '@banyan/contracts';
import { listen, type Listening } from '@banyan/kit';
import { readEvents } from '../../testing/events.ts';
import { proxyReport } from '../../testing/proxy-report.ts';
import { ADMIN_TOKEN, PEER_TOKEN, startTestControl, type TestControl } from '../../testing/test-control.ts';

let t: TestControl;
const stops: (() => Promise<void>)[] = [];
beforeEach(async () => {
  t = await startTestControl();
  stops.push(() => t.close());
});
afterEach(async () => {
  await Promise.all(stops.splice(0).map((stop) => stop()));
});

describe('errors', () => {
  test('name every mistake of a request at once, each with what was got', async () => {
    const { status, body } = await t.post<Problem>('/v1/slices/reviews/route', {
      share: 7,
      dryRun: 'yes',
      colour: 'red',
    });
    expect(status).toBe(400);
    const { error } = problemSchema.parse(body);
    const evidence = error.evidence.join('\n');
    expect(evidence).toMatch(/body\.by: .*got nothing/);
    expect(evidence).toMatch(/body\.share: .*got 7/);
    expect(evidence).toMatch(/body\.dryRun: .*got "yes"/);
    expect(evidence).toMatch(/colour/);
    expect(evidence).toMatch(/body\.reason: route wants a reason/);
    expect(error.next_steps).toEqual(['banyan route reviews --share 0.05 --reason "..."']);
  });

  test.each([
    ['pause', { by: 'a' }, 'body.reason: pause wants a reason'],
    ['rollback', { by: 'a' }, 'body.reason: rollback wants a reason'],
    ['route', { by: 'a', reason: 'b' }, 'body.share: route wants a share'],
    ['rollback', { by: 'a', reason: 'b', share: 1 }, 'body.share: rollback takes no share'],
    ['retire', { by: 'a' }, 'verb: wanted one of advance, pause, resume, rollback, route, verify'],
    ['advance', [], 'body'],
    ['pause', { by: 'a'.repeat(101), reason: 'b' }, 'body.by: at most 100 characters'],
    ['pause', { by: 'a', reason: 'b'.repeat(1_001) }, 'body.reason: at most 1000 characters'],
  ])('%s %j is refused: %s', async (verb, body, finding) => {
    const answer = await t.post<Problem>(`/v1/slices/reviews/${verb}`, body);
    expect([answer.status, answer.body.error.code]).toEqual([400, 'invalid-request']);
    expect(answer.body.error.evidence.join()).toContain(finding);
  });

  test('an unknown slice is answered with the slices that there are', async () => {
    for (const answer of [
      await t.get<Problem>('/v1/slices/nope'),
      await t.post<Problem>('/v1/slices/nope/advance', { by: 'a' }),
      await t.get<Problem>('/v1/journal?slice=nope'),
      await t.post<Problem>('/v1/caught-up', { slices: ['nope'], timeoutMs: 10 }, PEER_TOKEN),
    ]) {
      expect([answer.status, answer.body.error.evidence]).toEqual([404, ['slices: reviews']]);
    }
  });

  test('an unknown address, and a body that is no JSON, are problems too', async () => {
    const lost = await t.get<Problem>('/v2/everything');
    expect([lost.status, problemSchema.parse(lost.body).error.code]).toEqual([404, 'not-found']);
    const response = await fetch(`${t.control.url}/v1/slices/reviews/advance`, {
      method: 'POST',
      headers: { authorization: `Bearer ${ADMIN_TOKEN}`, 'content-type': 'application/json' },
      body: '{"by":',
    });
    expect(response.status).toBe(400);
    expect(problemSchema.parse(await response.json()).error.code).toBe('invalid-request');
  });

  test('what was not foreseen does not show its inside', async () => {
    t.store.journal = () => Promise.reject(new Error('/secret/path: disk I/O error'));
    const { status, body } = await t.get<Problem>('/v1/journal');
    expect([status, body.error.code, JSON.stringify(body)]).toEqual([
      500,
      'internal',
      expect.not.stringContaining('secret'),
    ]);
  });

  test('each side wants its own token', async () => {
    for (const [path, token] of [
      ['/v1/status', PEER_TOKEN],
      ['/v1/slices/reviews', ''],
      ['/v1/journal', 'wrong'],
      ['/v1/explain?path=/x', PEER_TOKEN],
      ['/v1/routes', ADMIN_TOKEN],
      ['/v1/routes/stream', ''],
    ] as const) {
      const { status, body } = await t.get<Problem>(path, token);
      expect([path, status, problemSchema.parse(body).error.code]).toEqual([path, 401, 'unauthorized']);
    }
    expect((await t.post('/v1/slices/reviews/rollback', { by: 'a', reason: 'b' }, PEER_TOKEN)).status).toBe(
      401,
    );
    expect((await fetch(`${t.control.url}/healthz`)).status).toBe(200);
  });
});

describe('the stream of routes', () => {
  const connect = (): Promise<Response> =>
    fetch(`${t.control.url}/v1/routes/stream`, { headers: { authorization: `Bearer ${PEER_TOKEN}` } });

  test('gives the current snapshot at once, then each step, and versions only rise, also over a restart', async () => {
    const events = readEvents<RoutesSnapshot>(await connect(), 'routes');
    const versions: number[] = [];
    const receive = async (): Promise<RoutesSnapshot> => {
      const snapshot = routesSnapshotSchema.parse((await events.next()).value);
      versions.push(snapshot.version);
      return snapshot;
    };
    expect((await receive()).slices[0]).toMatchObject({ name: 'reviews', phase: 'monolith', share: 0 });
    await t.verb('advance');
    expect((await receive()).slices[0]).toMatchObject({ phase: 'syncing' });
    await t.verb('rollback', { reason: 'not today' });
    expect((await receive()).slices[0]).toMatchObject({ phase: 'monolith', rolledBack: true });
    await t.close();
    expect((await events.next()).done).toBe(true);

    const again = await startTestControl({ store: t.store, feed: t.feed, clock: t.clock });
    stops.push(() => again.close());
    const { body } = await again.get<RoutesSnapshot>('/v1/routes', PEER_TOKEN);
    versions.push(body.version);
    expect(versions).toEqual([...new Set(versions)].sort((a, b) => a - b));
  });

  test('brings a step that another control plane made on the same store', async () => {
    const other = await startTestControl({ store: t.store, feed: t.feed, clock: t.clock });
    stops.push(() => other.close());
    const events = readEvents<RoutesSnapshot>(await connect(), 'routes');
    await events.next();
    await other.verb('advance');
    await t.control.tick();
    let latest = (await events.next()).value as RoutesSnapshot;
    while (latest.slices[0]?.phase === 'monolith') latest = (await events.next()).value as RoutesSnapshot;
    expect(latest.slices[0]?.phase).toBe('syncing');
  });
});

describe('caught-up', () => {
  const ask = (
    timeoutMs = 5_000,
  ): Promise<{ status: number; body: { caughtUp: boolean; position: string | null } }> =>
    t.post('/v1/caught-up', { slices: ['reviews'], timeoutMs }, PEER_TOKEN);

  test('answers with the position that was applied', async () => {
    await t.toSyncedCopy();
    expect((await ask()).body).toEqual({ caughtUp: true, position: expect.stringMatching(/^0\/[0-9A-F]+$/) });
  });

  test('says no when the round fails or takes too long, since a pin must not be cleared then', async () => {
    await t.toSyncedCopy();
    t.feed.broken.caughtUp = 'the service is gone';
    expect((await ask()).body).toEqual({ caughtUp: false, position: null });
    t.feed.broken.caughtUp = null;
    t.feed.onCatchUp = () => new Promise(() => undefined);
    expect((await ask(50)).body).toEqual({ caughtUp: false, position: null });
  });

  test('needs no wait for a slice whose copy does not count yet', async () => {
    expect((await ask()).body).toEqual({ caughtUp: true, position: null });
  });
});

describe('status', () => {
  test('shows what is unknown as unknown, never as 0', async () => {
    const report = statusReportSchema.parse((await t.get('/v1/status')).body);
    expect(report.feed).toMatchObject({ state: 'unknown', slotActive: null, heardAgeMs: null });
    expect(report.slices[0]).toMatchObject({
      sync: null,
      heartbeatAgeMs: null,
      served: null,
      inSync: false,
      tables: [{ source: 'public.reviews', tableSnapshot: null, appliedRows: null, quarantined: null }],
    });
    const metrics = await (await fetch(`${t.control.url}/metrics`)).text();
    expect(metrics).toContain('banyan_slice_share_ratio{slice="reviews"} 0');
    expect(metrics).not.toMatch(/heartbeat_age|lag_seconds|retained_wal|quarantined/);
  });

  test('shows what is known, with commands to go on', async () => {
    await t.toSyncedCopy();
    await t.post('/v1/proxies/report', proxyReport(), PEER_TOKEN);
    const report = statusReportSchema.parse((await t.get('/v1/status')).body);
    expect(report.feed).toMatchObject({ state: 'running', error: null, retainedWalBytes: 4096 });
    expect(report.slices[0]).toMatchObject({
      inSync: true,
      served: { eligible: 200, servedByService: 99, share: 0.495 },
      tables: [{ appliedRows: 20, quarantined: 0, tableSnapshot: { state: 'completed', rowsDone: 20 } }],
      verification: { rowsSource: 20, rowsTarget: 20, differences: 0 },
      next: 'send the reads of 10 % of the visitors to the service',
    });
    expect(report.next_steps).toEqual([
      'banyan advance reviews',
      'banyan status',
      'banyan rollback reviews --reason "..."',
    ]);
    const metrics = await (await fetch(`${t.control.url}/metrics`)).text();
    expect(metrics).toContain('banyan_slice_lag_seconds{slice="reviews",quantile="0.99"} 0.08');
    expect(metrics).toContain('banyan_feed_retained_wal_bytes 4096');
  });

  test('tells when the feed is silent and when it cannot be asked', async () => {
    await t.control.tick();
    const before = await t.feed.bus.sourcePosition('banyan');
    t.feed.bus.sourcePosition = () =>
      Promise.resolve(before && { ...before, heardAtMs: t.clock.nowMs() - 60_000 });
    await t.control.tick();
    const silent = statusReportSchema.parse((await t.get('/v1/status')).body);
    expect(silent.feed).toMatchObject({ state: 'silent', heardAgeMs: 60_000 });
    expect(silent.next_steps[0]).toBe('banyan doctor');
    t.feed.broken.source = 'ECONNREFUSED';
    await t.control.tick();
    expect(statusReportSchema.parse((await t.get('/v1/status')).body).feed).toMatchObject({
      state: 'unknown',
      slotActive: null,
      retainedWalBytes: null,
      error: 'the database could not be asked: ECONNREFUSED',
    });
  });

  test('leaves out what a proxy served under another share, and proxies that went silent', async () => {
    const slices = proxyReport().slices.map((slice) => ({ ...slice, askedShare: 0.5 }));
    await t.post('/v1/proxies/report', proxyReport({ slices }), PEER_TOKEN);
    expect((await t.slice()).served).toEqual({ eligible: 0, servedByService: 0, share: null });
    t.clock.advance(5_001);
    expect((await t.slice()).served).toBeNull();
    expect((await t.post<Problem>('/v1/proxies/report', { proxyId: 1 }, PEER_TOKEN)).status).toBe(400);
  });
});

describe('explain', () => {
  const explanation: Explanation = {
    method: 'GET',
    path: '/products/x/reviews',
    slice: 'reviews',
    target: 'monolith',
    reason: 'phase',
    steps: [],
    cohort: null,
    snapshotVersion: 1,
    proxyId: 'proxy-1',
  };

  async function startProxy(): Promise<Listening & { readonly asked: string[] }> {
    const asked: string[] = [];
    const proxy = await listen(
      (request, response) => {
        asked.push(`${request.url ?? ''} ${request.headers.authorization ?? ''}`);
        response.setHeader('content-type', 'application/json').end(JSON.stringify(explanation));
      },
      { port: 0 },
    );
    stops.push(() => proxy.close());
    return { ...proxy, asked };
  }

  test('asks a live proxy, and another one when the first is gone', async () => {
    const proxy = await startProxy();
    await t.post('/v1/proxies/report', proxyReport(), PEER_TOKEN);
    await t.post('/v1/proxies/report', proxyReport({ proxyId: 'proxy-2', adminUrl: proxy.url }), PEER_TOKEN);
    const { status, body } = await t.get('/v1/explain?method=GET&path=/products/x/reviews&user=5');
    expect([status, body]).toEqual([200, explanation]);
    expect(proxy.asked).toEqual([
      `/explain?method=GET&path=%2Fproducts%2Fx%2Freviews&user=5 Bearer ${PEER_TOKEN}`,
    ]);
  });

  test('is a problem without a live proxy, and with a question that makes no sense', async () => {
    const none = await t.get<Problem>('/v1/explain?path=/x');
    expect([none.status, none.body.error.code]).toEqual([503, 'no-proxy']);
    const wrong = await t.get<Problem>('/v1/explain?method=get&path=x&colour=red');
    expect(wrong.status).toBe(400);
    expect(wrong.body.error.evidence).toHaveLength(3);
  });
});

test('the journal tells who did what and why, oldest first, in pages', async () => {
  await t.verb('pause', { reason: 'one' });
  await t.verb('resume');
  await t.verb('pause', { reason: 'two' });
  const page = async (query: string): Promise<JournalEntry[]> =>
    (await t.get<{ entries: JournalEntry[] }>(`/v1/journal?${query}`)).body.entries;
  const [first, ...rest] = await page('slice=reviews');
  expect(first).toMatchObject({ by: 'tester', verb: 'pause', reason: 'one', epoch: 1 });
  expect(rest.map(({ verb }) => verb)).toEqual(['resume', 'pause']);
  expect((await page('afterId=1&limit=1')).map(({ id }) => id)).toEqual([2]);
  expect((await page('limit=2')).map(({ id }) => id)).toEqual([2, 3]);
  expect((await t.get('/v1/journal?limit=0')).status).toBe(400);
});

test('a change of routes that would not fit the contract never leaves; the old one stays', async () => {
  const before = (await t.get<RoutesSnapshot>('/v1/routes', PEER_TOKEN)).body;
  const read = t.store.read.bind(t.store);
  t.store.read = async () => {
    const { version, slices } = await read();
    return { version: version + 1, slices: slices.map((slice) => ({ ...slice, salt: '' })) };
  };
  await expect(t.control.tick()).rejects.toThrow('salt');
  expect((await t.get('/v1/routes', PEER_TOKEN)).body).toEqual(before);
});

test('the routes say where the monolith’s servers are, how it reads paths, and who its visitors are', async () => {
  const settings = {
    paths: { letterCase: 'same', trailingSlash: 'different' },
    visitors: { keys: [{ bearer: 'sub' }], withoutKey: 'fingerprint' },
  } as const;
  const control = await startTestControl({
    settings: { ...settings, visitors: { ...settings.visitors, keys: [{ bearer: 'sub' }] } },
  });
  try {
    await control.control.tick();
    const { body } = await control.get<RoutesSnapshot>('/v1/routes', PEER_TOKEN);
    expect(body).toMatchObject({
      monolithUpstreams: ['http://127.0.0.1:3000', 'http://127.0.0.1:3001'],
      paths: settings.paths,
      visitors: { ...settings.visitors, identity: [] },
    });
  } finally {
    await control.close();
  }
});

import { get } from 'node:http';
import { afterEach, describe, expect, test } from '@jest/globals';
import { createIdentityVerifier } from '@banyan/kit';
import { explanationSchema, proxyReportSchema, type SliceRoutes } from '@banyan/contracts';
import type { Proxy, ProxyOptions } from '../create-proxy.ts';
import {
  ask,
  eventually,
  exchangeBytes,
  freePortUrl,
  keys,
  Opened,
  OVERRIDE_TOKEN,
  PEER_TOKEN,
  sliceOf,
  snapshotOf,
  startProxy,
  startRawUpstream,
  startUpstream,
  VISITOR,
  type Upstream,
} from '../testing/fixtures.ts';

const opened = new Opened();
afterEach(() => opened.close());

const SLICE_PATH = '/products/teapot/reviews';
/** Sent by somebody who has been here before. */
const visitor = { cookie: VISITOR };
const tester = (override: string): Record<string, string> => ({
  'banyan-override': override,
  'banyan-override-token': OVERRIDE_TOKEN,
});

interface Shop {
  readonly proxy: Proxy;
  readonly monolith: Upstream;
  readonly service: Upstream;
  /** Who each session cookie belongs to; what is not here is nobody. */
  readonly sessions: Map<string, { id: string; displayName: string }>;
  readonly use: (change: Partial<SliceRoutes>) => void;
}

/** A monolith and a service that say who they are, with a proxy before them. */
async function startShop(
  change: Partial<SliceRoutes> = {},
  options: Partial<ProxyOptions> = {},
): Promise<Shop> {
  const sessions = new Map<string, { id: string; displayName: string }>();
  const monolith = await startUpstream(opened, (request, response) => {
    if (request.url !== '/api/session') {
      if (request.url === '/sign-out') sessions.clear();
      response.end('monolith');
      return;
    }
    const cookie = /shop\.sid=([^;]*)/.exec(request.headers.cookie ?? '')?.[1] ?? '';
    if (cookie === 'broken') response.destroy();
    else response.end(JSON.stringify({ customer: sessions.get(cookie) ?? null }));
  });
  const service = await startUpstream(opened, (_request, response) => response.end('service'));
  const proxy = await startProxy(opened, { monolithUrl: monolith.url, ...options });
  let version = 0;
  const use = (now: Partial<SliceRoutes>): void => {
    const verdict = proxy.applySnapshot(snapshotOf(++version, monolith.url, [sliceOf(service.url, now)]));
    expect(verdict.kind).toBe('applied');
  };
  use(change);
  return { proxy, monolith, service, sessions, use };
}

describe('a request goes', () => {
  test('to the service for a route of the slice, and nowhere near it otherwise', async () => {
    const { proxy } = await startShop();
    const side = async (path: string): Promise<string> =>
      (await ask(proxy.url + path, { headers: visitor })).text;
    expect(await side('/cart')).toBe('service');
    expect(await side('/cart/?x=1')).toBe('service');
    expect(await side('/c%61rt')).toBe('service');
    expect(await side(SLICE_PATH)).toBe('service');
    for (const path of ['/cartoons', '/car', '/cart/items', '/Cart', '/', '/products/teapot']) {
      expect(`${path} ${await side(path)}`).toBe(`${path} monolith`);
    }
  });

  test('to the monolith with no snapshot, in other phases, and when it writes', async () => {
    const { proxy, use } = await startShop({ phase: 'syncing' });
    expect((await ask(`${proxy.url}/cart`)).text).toBe('monolith');
    use({ phase: 'canary' });
    expect((await ask(`${proxy.url}/cart`, { headers: visitor })).text).toBe('service');
    expect((await ask(`${proxy.url}/cart`, { method: 'POST', body: 'x' })).text).toBe('monolith');
    use({ rolledBack: true });
    expect((await ask(`${proxy.url}/cart`)).text).toBe('monolith');
  });

  test('where an override says, but only with the token, and never against a rollback', async () => {
    const { proxy, use } = await startShop({ share: 0 });
    const side = async (headers: Record<string, string>): Promise<string> =>
      (await ask(`${proxy.url}/cart`, { headers })).text;
    expect(await side(tester('reviews=service'))).toBe('service');
    expect(await side(tester('other=monolith, reviews=service'))).toBe('service');
    expect(await side(tester('other=service'))).toBe('monolith');
    expect(await side({ 'banyan-override': 'reviews=service' })).toBe('monolith');
    expect(await side({ ...tester('reviews=service'), 'banyan-override-token': 'guess' })).toBe('monolith');
    use({ share: 0, rolledBack: true });
    expect(await side(tester('reviews=service'))).toBe('monolith');
  });

  test('and says who answered to testers only', async () => {
    const { proxy } = await startShop();
    const seen = async (path: string, headers: Record<string, string>): Promise<unknown> =>
      (await ask(proxy.url + path, { headers: { ...visitor, ...headers } })).headers['banyan-served-by'];
    expect(await seen('/cart', { 'banyan-override-token': OVERRIDE_TOKEN })).toBe('service');
    expect(await seen('/', { 'banyan-override-token': OVERRIDE_TOKEN })).toBe('monolith');
    expect(await seen('/cart', { 'banyan-override-token': 'guess' })).toBeUndefined();
    expect(await seen('/cart', {})).toBeUndefined();
  });
});

describe('a customer', () => {
  test('is known to the service by a signed token, whatever he sends himself', async () => {
    const { proxy, service, sessions } = await startShop();
    sessions.set('s1', { id: '42', displayName: 'Ada Lovelace' });
    const answer = await ask(`${proxy.url}/cart`, {
      headers: { cookie: 'shop.sid=s1', 'banyan-identity': 'forged' },
    });
    expect([answer.text, answer.cookies]).toEqual(['service', []]);
    const token = service.requests[0]?.headers['banyan-identity'];
    const verifier = await createIdentityVerifier(keys.publicKey, 'reviews');
    expect(await verifier.verify(token?.toString())).toEqual({ sub: '42', name: 'Ada Lovelace' });
    await ask(`${proxy.url}/cart`, { headers: { ...visitor, 'banyan-identity': 'forged' } });
    expect(service.requests[1]?.headers).not.toHaveProperty('banyan-identity');
  });

  test('is dealt by his id: the same side in every session', async () => {
    const { proxy, sessions } = await startShop({ share: 0.5 });
    for (let i = 0; i < 12; i++) {
      const customer = { id: String(i), displayName: 'x' };
      sessions.set(`a${i}`, customer).set(`b${i}`, customer);
      const [one, two] = await Promise.all(
        ['a', 'b'].map((name) => ask(`${proxy.url}/cart`, { headers: { cookie: `shop.sid=${name}${i}` } })),
      );
      expect(one?.text).toBe(two?.text);
      const explained = await ask(`${proxy.adminUrl}/explain?path=/cart&user=${i}`, {
        headers: { authorization: `Bearer ${PEER_TOKEN}` },
      });
      expect(explanationSchema.parse(JSON.parse(explained.text)).target).toBe(one?.text);
    }
  });

  test('is asked for once in a while, not at each request, and anew after any write', async () => {
    // The slice's writes have moved, so that nobody is pinned by one.
    const { proxy, monolith, service, sessions } = await startShop({ phase: 'extracted', owner: 'service' });
    sessions.set('s1', { id: '42', displayName: 'Ada' });
    const headers = { cookie: 'shop.sid=s1' };
    for (let i = 0; i < 5; i++) await ask(`${proxy.url}/cart`, { headers });
    const lookups = (): number => monolith.requests.filter(({ url }) => url === '/api/session').length;
    expect(lookups()).toBe(1);
    await ask(`${proxy.url}/sign-out`, { method: 'POST', headers });
    await ask(`${proxy.url}/cart`, { headers });
    expect(lookups()).toBe(2);
    expect(service.requests.at(-1)?.headers).not.toHaveProperty('banyan-identity');
  });

  test('who leaves while he is looked up is not taken to the service', async () => {
    let isAsked = false;
    let answer: () => void = () => undefined;
    const monolith = await startUpstream(opened, (request, response) => {
      if (request.url !== '/api/session') {
        response.end('monolith');
        return;
      }
      isAsked = true;
      answer = () => response.end('{"customer":null}');
    });
    const service = await startUpstream(opened, () => undefined);
    const proxy = await startProxy(opened, { monolithUrl: monolith.url });
    proxy.applySnapshot(snapshotOf(1, monolith.url, [sliceOf(service.url)]));
    const request = get(`${proxy.url}/cart`, {
      agent: false,
      headers: { cookie: `shop.sid=s1; ${VISITOR}` },
    });
    request.on('error', () => undefined); // it is this test that destroys it
    await eventually('he is looked up', () => isAsked);
    request.destroy();
    await new Promise((resolve) => request.once('close', resolve));
    await ask(`${proxy.url}/`); // by now the proxy has heard that he left
    answer();
    await eventually('his request is over', () => proxy.report().slices[0]?.byReason.cohort === 1);
    expect(service.requests).toHaveLength(0);
  });

  test('whose session cannot be looked up gets the monolith', async () => {
    const { proxy } = await startShop();
    const headers = { cookie: 'shop.sid=broken' };
    const answer = await ask(`${proxy.url}/cart`, { headers });
    expect([answer.text, answer.cookies]).toEqual(['monolith', []]);
    expect(
      (await ask(`${proxy.url}/cart`, { headers: { ...headers, ...tester('reviews=service') } })).text,
    ).toBe('monolith');
  });
});

describe('when the service fails', () => {
  const reasons = (proxy: Proxy): unknown => proxy.report().slices[0]?.byReason;

  test('a read is answered by the monolith: nobody there, no answer in time, cut off, or 503', async () => {
    const hanging = await startUpstream(opened, () => undefined);
    const cutting = await startRawUpstream(opened, (socket) => socket.once('data', () => socket.destroy()));
    const busy = await startUpstream(opened, (_request, response) => response.writeHead(503).end('busy'));
    for (const url of [await freePortUrl(), hanging.url, cutting.url, busy.url]) {
      const { proxy } = await startShop({ upstreams: [url], serviceDeadlineMs: 50 });
      const answer = await ask(`${proxy.url}/cart`, {
        headers: { ...visitor, 'banyan-override-token': OVERRIDE_TOKEN },
      });
      expect([answer.status, answer.text, answer.headers['banyan-served-by']]).toEqual([
        200,
        'monolith',
        'monolith',
      ]);
      expect(reasons(proxy)).toEqual({ fallback: 1 });
      expect(proxy.report()).toMatchObject({
        clientErrors: 0,
        slices: [{ service: { requests: 1, errors: 1 } }],
      });
    }
  });

  test("a 404 or a 500 is the service's own answer", async () => {
    for (const status of [404, 500]) {
      const own = await startUpstream(opened, (_request, response) => response.writeHead(status).end('own'));
      const { proxy } = await startShop({ upstreams: [own.url] });
      expect(await ask(`${proxy.url}/cart`, { headers: visitor })).toMatchObject({ status, text: 'own' });
    }
  });

  test('the client is told so when the monolith is not fresh, or the read has a body', async () => {
    const upstreams = [await freePortUrl()];
    const stale = await startShop({ upstreams, monolithIsFresh: false });
    expect((await ask(`${stale.proxy.url}/cart`, { headers: visitor })).status).toBe(502);
    const fresh = await startShop({ upstreams });
    const withBody = `GET /cart HTTP/1.1\r\nHost: a\r\nCookie: ${VISITOR}\r\nConnection: close\r\nContent-Length: 2\r\n\r\nhi`;
    expect(await exchangeBytes(fresh.proxy.url, withBody)).toMatch(/^HTTP\/1\.1 502/);
  });

  test('the breaker opens, lets one read try after a while, and closes when that is answered', async () => {
    let isWell = false;
    let isHanging = false;
    const flaky = await startUpstream(opened, (_request, response) => {
      if (isHanging) return;
      if (isWell) response.end('service');
      else response.writeHead(503).end();
    });
    const options = { breakerFailures: 3, breakerHalfOpenAfterMs: 200 };
    const { proxy, use } = await startShop({ upstreams: [flaky.url] }, options);
    const breaker = (): string | undefined => proxy.report().slices[0]?.breaker;
    for (let i = 0; i < 3; i++)
      expect((await ask(`${proxy.url}/cart`, { headers: visitor })).text).toBe('monolith');
    expect(breaker()).toBe('open');
    await ask(`${proxy.url}/cart`, { headers: visitor });
    expect(flaky.requests).toHaveLength(3);
    expect(reasons(proxy)).toEqual({ fallback: 3, breaker: 1 });

    use({ upstreams: [flaky.url], share: 0.99 }); // new routes do not make the service well
    expect(breaker()).toBe('open');
    use({ upstreams: [flaky.url] });

    await eventually('it may be tried', () => breaker() === 'half-open');
    isHanging = true;
    const asked = await Promise.all(
      Array.from({ length: 5 }, () => ask(`${proxy.url}/cart`, { headers: visitor })),
    );
    expect(asked.map(({ text }) => text)).toEqual(Array.from({ length: 5 }, () => 'monolith'));
    expect(flaky.requests).toHaveLength(4); // one tried, the others did not wait for it
    expect(breaker()).toBe('open');

    await eventually('it may be tried again', () => breaker() === 'half-open');
    isHanging = false;
    isWell = true;
    expect((await ask(`${proxy.url}/cart`, { headers: visitor })).text).toBe('service');
    await eventually('it is closed', () => breaker() === 'closed');
  });
});

describe('the admin listener', () => {
  const peer = { authorization: `Bearer ${PEER_TOKEN}` };

  test('reports what was asked for and what was served', async () => {
    const { proxy, use } = await startShop({ share: 0 });
    for (let i = 0; i < 4; i++) await ask(`${proxy.url}/cart`, { headers: visitor });
    use({ share: 1 });
    for (let i = 0; i < 3; i++) await ask(`${proxy.url}/cart`, { headers: visitor });
    await ask(`${proxy.url}/cart`, { headers: tester('reviews=monolith') });
    await ask(`${proxy.url}/cart`, { method: 'POST' });
    await ask(`${proxy.url}/`);
    const report = proxyReportSchema.parse(
      JSON.parse((await ask(`${proxy.adminUrl}/report`, { headers: peer })).text),
    );
    expect(report).toMatchObject({ requests: 10, clientErrors: 0, snapshotVersion: 2, publicUrl: proxy.url });
    expect(report.slices[0]).toMatchObject({
      askedShare: 1,
      sinceShareChange: { eligible: 3, servedByService: 3 },
      byReason: { cohort: 7, override: 1, owner: 1 },
      monolith: { requests: 6, errors: 0 },
      service: { requests: 3, errors: 0 },
      breaker: 'closed',
    });
    expect(report.slices[0]?.service.p50Ms).toBeGreaterThan(0);
  });

  test('explains with the decision that a request meets, and refuses what it cannot read', async () => {
    const { proxy } = await startShop({ rolledBack: true });
    const explain = (query: string) => ask(`${proxy.adminUrl}/explain?${query}`, { headers: peer });
    const explained = explanationSchema.parse(JSON.parse((await explain(`path=${SLICE_PATH}&user=5`)).text));
    expect(explained).toMatchObject({
      slice: 'reviews',
      target: 'monolith',
      reason: 'rollback',
      method: 'GET',
    });
    expect(explained.cohort).toMatchObject({ key: '5', limit: 10_000 });
    const elsewhere = explanationSchema.parse(JSON.parse((await explain('path=/cartoons')).text));
    expect(elsewhere).toMatchObject({ slice: null, reason: 'no-slice' });
    expect((await explain('path=/a%2520b')).status).toBe(200);
    expect((await explain('path=/a b')).status).toBe(400);
    expect((await explain(`path=${SLICE_PATH}&override=left`)).status).toBe(400);
    expect((await explain('user=5')).status).toBe(400);
  });

  test('keeps report and explain to peers, and shows health and metrics', async () => {
    const { proxy } = await startShop();
    await ask(`${proxy.url}/cart`, { headers: visitor });
    for (const path of ['/report', '/explain?path=/x']) {
      expect((await ask(proxy.adminUrl + path)).status).toBe(401);
      expect((await ask(proxy.adminUrl + path, { headers: { authorization: 'Bearer guess' } })).status).toBe(
        401,
      );
    }
    expect((await ask(`${proxy.adminUrl}/healthz`)).status).toBe(200);
    expect((await ask(`${proxy.adminUrl}/readyz`)).status).toBe(200);
    expect((await ask(`${proxy.adminUrl}/other`)).status).toBe(404);
    const metrics = (await ask(`${proxy.adminUrl}/metrics`)).text;
    expect(metrics).toContain(
      'banyan_proxy_requests_total{slice="reviews",target="service",reason="cohort"} 1',
    );
    expect(metrics).toContain('banyan_proxy_routes_version 1');
    expect((await ask(`${proxy.adminUrl}/metrics`)).text).toContain('reason="cohort"} 1');
  });
});

import { afterEach, describe, expect, test } from '@jest/globals';
import type { IncomingMessage, RequestListener } from 'node:http';
import type { SliceRoutes, VisitorSettings } from '@banyan/contracts';
import type { Proxy, ProxyOptions } from '../create-proxy.ts';
import { pino } from 'pino';
import { startFakeControl } from '../testing/fake-control.ts';
import {
  ask,
  cookieOf,
  eventually,
  Opened,
  PEER_TOKEN,
  SHOP_SESSION,
  sliceOf,
  snapshotOf,
  startProxy,
  startUpstream,
  VISITOR,
  type Upstream,
} from '../testing/fixtures.ts';

const opened = new Opened();
afterEach(() => opened.close());

interface Shop {
  readonly proxy: Proxy;
  readonly monolith: Upstream;
  readonly service: Upstream;
  readonly use: (change: Partial<SliceRoutes>, visitors?: Partial<VisitorSettings>) => void;
}

/** Sides that name themselves; `/page` is HTML, other headers come as the query says: `?cache-control=public`. */
async function startShop(
  {
    visitors = {},
    ...options
  }: Partial<ProxyOptions> & { readonly visitors?: Partial<VisitorSettings> } = {},
  change: Partial<SliceRoutes> = {},
): Promise<Shop> {
  const sideOf =
    (name: string): RequestListener =>
    (request, response) => {
      const { pathname, searchParams } = new URL(request.url ?? '/', 'http://shop');
      if (pathname === '/api/session') {
        response.end('{"customer":null}');
        return;
      }
      if (pathname === '/me') {
        const token = request.headers.authorization;
        if (token === 'Bearer refused') response.writeHead(401).end();
        else if (token === 'Bearer odd') response.end('Ada Lovelace, 1 Example Street');
        else if (token === 'Bearer empty') response.end('{"user":{"id":"","name":"Ada Lovelace"}}');
        else response.end(JSON.stringify({ user: { id: 7, name: `owner of ${token}` } }));
        return;
      }
      if (pathname.endsWith('.html')) response.setHeader('content-type', 'text/html; charset=utf-8');
      for (const [header, value] of searchParams) response.setHeader(header, value);
      response.end(name);
    };
  const monolith = await startUpstream(opened, sideOf('monolith'));
  const service = await startUpstream(opened, sideOf('service'));
  const proxy = await startProxy(opened, { monolithUrl: monolith.url, ...options });
  let version = 0;
  const routes = [{ path: '/cart' }, { path: '/cart.html' }];
  const use: Shop['use'] = (now, settings = visitors) => {
    const slices = [sliceOf(service.url, { routes, ...now })];
    const verdict = proxy.applySnapshot(snapshotOf(++version, monolith.url, slices, { visitors: settings }));
    expect(verdict.kind).toBe('applied');
  };
  use(change);
  return { proxy, monolith, service, use };
}

const explain = async (proxy: Proxy, query: string) =>
  JSON.parse(
    (
      await ask(`${proxy.adminUrl}/explain?path=/cart${query}`, {
        headers: { authorization: `Bearer ${PEER_TOKEN}` },
      })
    ).text,
  ) as {
    target: string;
    reason: string;
    steps: { outcome: string }[];
  };

const NAVIGATES = { 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document' };
const FETCHES = { 'sec-fetch-mode': 'cors', 'sec-fetch-dest': 'empty' };
const cookiesOf = async (url: string, headers: Record<string, string> = {}): Promise<string[]> =>
  (await ask(url, { headers })).cookies;

describe('a new visitor', () => {
  test('is answered by the monolith however many requests he sends at once, and dealt from then on', async () => {
    const { proxy } = await startShop({}, { share: 0.5 });
    const sides = new Set<string>();
    for (let visitor = 0; visitor < 24; visitor += 1) {
      const first = await Promise.all([
        ask(`${proxy.url}/cart.html`, { headers: NAVIGATES }),
        ...Array.from({ length: 5 }, () => ask(`${proxy.url}/cart`, { headers: FETCHES })),
      ]);
      expect(first.map(({ text }) => text)).toEqual(Array.from({ length: 6 }, () => 'monolith'));
      expect(first.flatMap(({ cookies }) => cookies)).toEqual([
        expect.stringMatching(/^banyan_visitor=[\w-]{22}; Max-Age=\d+; Path=\/; HttpOnly; SameSite=Lax$/),
      ]);
      const cookie = cookieOf(first[0], 'banyan_visitor') ?? '';
      const later = await Promise.all(
        Array.from({ length: 3 }, () => ask(`${proxy.url}/cart.html`, { headers: { ...NAVIGATES, cookie } })),
      );
      expect(later.flatMap(({ cookies }) => cookies)).toEqual([]);
      expect(new Set(later.map(({ text }) => text)).size).toBe(1);
      sides.add(later[0]?.text ?? '');
    }
    expect([...sides].sort()).toEqual(['monolith', 'service']);
  });

  test('gets his cookie with any page, while visitors are dealt', async () => {
    const { proxy, use } = await startShop();
    for (const path of ['/cart.html', '/about.html'])
      expect(await cookiesOf(proxy.url + path)).toHaveLength(1);
    expect(await cookiesOf(`${proxy.url}/about.html`, { cookie: 'banyan_visitor=forged' })).toHaveLength(1);
    expect(await cookiesOf(`${proxy.url}/data`, NAVIGATES)).toHaveLength(1);
    expect(await cookiesOf(`${proxy.url}/about.html`, { cookie: VISITOR })).toEqual([]);
    for (const headers of [FETCHES, { ...NAVIGATES, 'sec-fetch-dest': 'iframe' }]) {
      expect(await cookiesOf(`${proxy.url}/about.html`, headers)).toEqual([]);
    }
    expect(await cookiesOf(`${proxy.url}/data`)).toEqual([]);
    expect((await ask(`${proxy.url}/about.html`, { method: 'HEAD' })).cookies).toEqual([]);
    for (const change of [
      { phase: 'syncing' },
      { rolledBack: true },
      { phase: 'extracted', owner: 'service' },
    ] as const) {
      use(change);
      expect(await cookiesOf(`${proxy.url}/about.html`)).toEqual([]);
    }
    use({}, { keys: [{ header: 'x-device' }] });
    expect(await cookiesOf(`${proxy.url}/about.html`)).toEqual([]);
  });
});

describe('a cookie of the proxy’s', () => {
  test.each([
    ['', 'private'],
    ['cache-control=private', 'private'],
    ['cache-control=no-store', 'no-store'],
    ['cache-control=no-cache', 'no-cache, private'],
    ['cache-control=max-age%3D0', 'max-age=0, private'],
    ['vary=Cookie', 'private'],
    ['expires=Thu, 01 Jan 1970 00:00:00 GMT', 'private'],
  ])('goes with an answer (%s) that only the browser may keep', async (query, cacheControl) => {
    const { proxy } = await startShop();
    const answer = await ask(`${proxy.url}/about.html?${query}`);
    expect([answer.cookies.length, answer.headers['cache-control']]).toEqual([1, cacheControl]);
  });

  test.each([
    'cache-control=public',
    'cache-control=max-age%3D60',
    'cache-control=s-maxage%3D60',
    'cache-control=private%3D"x-name", max-age%3D60',
    'expires=Thu, 01 Jan 2099 00:00:00 GMT',
    'cache-control=private&cdn-cache-control=max-age%3D60',
    'cache-control=private&surrogate-control=max-age%3D60',
  ])('never goes with an answer (%s) that a shared cache may keep, which stays as it is', async (query) => {
    const { proxy } = await startShop();
    const answer = await ask(`${proxy.url}/about.html?${query}`);
    expect(answer.cookies).toEqual([]);
    expect(answer.headers['cache-control'] ?? '').not.toMatch(/, private$/);
  });

  test('a pin is set by whatever answers a write, and cleared by no shared answer', async () => {
    const control = await startFakeControl(opened);
    const { proxy } = await startShop({ controlUrl: control.url });
    const written = await ask(`${proxy.url}/x?cache-control=public`, { method: 'POST' });
    expect(written.headers['cache-control']).toBe('public, private');
    const cookie = `${cookieOf(written, 'banyan_pin')}; ${VISITOR}`;
    await eventually(
      'it is applied',
      async () => (await ask(`${proxy.url}/cart`, { headers: { cookie } })).text === 'service',
    );
    expect(await cookiesOf(`${proxy.url}/x?cache-control=public`, { cookie })).toEqual([]);
    expect(await cookiesOf(`${proxy.url}/x`, { cookie })).toEqual([
      expect.stringMatching(/^banyan_pin=; Max-Age=0/),
    ]);
  });

  test('is Secure where a trusted proxy says that the client came by TLS', async () => {
    const { proxy } = await startShop({ trustedProxies: ['127.0.0.1'] });
    const open = await startShop();
    for (const [url, said, isSecure] of [
      [proxy.url, 'https', true],
      [proxy.url, 'HTTPS, http', true],
      [proxy.url, 'http', false],
      [open.proxy.url, 'https', false],
    ] as const) {
      const headers = { 'x-forwarded-proto': said };
      const page = await cookiesOf(`${url}/about.html`, headers);
      const { cookies } = await ask(`${url}/about.html`, { method: 'POST', headers });
      expect([...page, ...cookies].map((cookie) => cookie.endsWith('; Secure'))).toEqual([
        isSecure,
        isSecure,
      ]);
    }
  });
});

describe('a client without cookies', () => {
  const KEYED: Partial<VisitorSettings> = {
    keys: [
      'visitor-cookie',
      { bearer: 'sub' },
      { apiKey: 'x-api-key' },
      { header: 'x-device' },
      { cookie: 'device' },
    ],
  };
  const token = (claims: object): string =>
    `Bearer e30.${Buffer.from(JSON.stringify(claims)).toString('base64url')}.signature`;

  test('is not moved unless something tells it from others, and is counted', async () => {
    const { proxy } = await startShop();
    for (let i = 0; i < 3; i += 1) expect((await ask(`${proxy.url}/cart`)).text).toBe('monolith');
    await ask(`${proxy.url}/cart.html`, { headers: NAVIGATES });
    await ask(`${proxy.url}/cart`, { headers: { cookie: VISITOR } });
    expect(proxy.report().slices[0]).toMatchObject({
      byReason: { 'no-key': 4, cohort: 1 },
      withoutKey: 3,
      sinceShareChange: { eligible: 1, servedByService: 1 },
    });
  });

  test.each([
    ['an API key', { 'x-api-key': 'secret-1' }],
    ['a header', { 'x-device': 'phone-1' }],
    ["a cookie of the monolith's", { cookie: 'device=phone-1' }],
    ["a token's subject", { authorization: token({ sub: '42' }) }],
    ['a token without one', { authorization: 'Bearer opaque' }],
  ])('is dealt by %s', async (_name, headers: Record<string, string>) => {
    const { proxy } = await startShop({ visitors: KEYED });
    expect((await ask(`${proxy.url}/cart`, { headers })).text).toBe('service');
  });

  test('is explained by its key as it is dealt', async () => {
    const { proxy } = await startShop({ visitors: KEYED }, { share: 0.5 });
    for (let i = 0; i < 12; i += 1) {
      const { text } = await ask(`${proxy.url}/cart`, { headers: { 'x-api-key': `key-${i}` } });
      expect((await explain(proxy, `&key=key-${i}`)).target).toBe(text);
    }
  });

  test('is dealt by its subject, whatever token it shows', async () => {
    const { proxy } = await startShop({ visitors: KEYED }, { share: 0.5 });
    const sides = new Set<string>();
    for (let sub = 0; sub < 24; sub += 1) {
      const own = new Set<string>();
      for (let iat = 0; iat < 3; iat += 1) {
        own.add((await ask(`${proxy.url}/cart`, { headers: { authorization: token({ sub, iat }) } })).text);
      }
      expect(own.size).toBe(1);
      for (const side of own) sides.add(side);
    }
    expect([...sides].sort()).toEqual(['monolith', 'service']);
  });

  test.each([
    ['API key', { 'x-api-key': 'secret-1' }, { 'x-api-key': 'secret-2' }],
    ['subject', { authorization: token({ sub: 1, iat: 1 }) }, { authorization: token({ sub: 2 }) }],
    [
      'session kept without its pin',
      { cookie: `shop.sid=s1; ${VISITOR}` },
      { cookie: `shop.sid=s2; ${VISITOR}` },
    ],
  ] as const)('reads its own writes by its %s, and others are free', async (_name, own, other) => {
    const control = await startFakeControl(opened);
    const { proxy } = await startShop({ controlUrl: control.url, visitors: KEYED });
    const side = async (headers: Record<string, string>): Promise<string> =>
      (await ask(`${proxy.url}/cart`, { headers })).text;
    await eventually('what came before the start is applied', async () => (await side(own)) === 'service');
    control.answerWith(null);
    await ask(`${proxy.url}/anything`, { method: 'POST', headers: own });
    for (let i = 0; i < 5; i += 1)
      expect([await side(own), await side(other)]).toEqual(['monolith', 'service']);
    await eventually('control is asked', () => control.openQuestions === 1);
    control.answerAll(true);
    await eventually('it is free again', async () => (await side(own)) === 'service');
  });

  test('stays on the monolith after the proxy was started anew, until the copy has what was written before', async () => {
    const control = await startFakeControl(opened);
    control.answerWith(null);
    const { proxy } = await startShop({ controlUrl: control.url, visitors: KEYED });
    const headers = { 'x-api-key': 'secret-1' };
    expect((await ask(`${proxy.url}/cart`, { headers })).text).toBe('monolith');
    expect((await ask(`${proxy.url}/cart`, { headers: { cookie: VISITOR } })).text).toBe('service');
    await eventually('control is asked', () => control.openQuestions === 1);
    control.answerAll(true);
    await eventually(
      'it is moved',
      async () => (await ask(`${proxy.url}/cart`, { headers })).text === 'service',
    );
  });

  test('moves and is pinned by what it looks like, where the configuration says so', async () => {
    const control = await startFakeControl(opened);
    const { proxy } = await startShop({ controlUrl: control.url, visitors: { withoutKey: 'fingerprint' } });
    const side = async (agent: string, more: Record<string, string> = {}): Promise<string> =>
      (await ask(`${proxy.url}/cart`, { headers: { 'user-agent': agent, ...more } })).text;
    await eventually(
      'what came before the start is applied',
      async () => (await side('app/1')) === 'service',
    );
    control.answerWith(null);
    await ask(`${proxy.url}/anything`, { method: 'POST', headers: { 'user-agent': 'app/1' } });
    expect([await side('app/1'), await side('app/2')]).toEqual(['monolith', 'service']);
    // A browser's first request is not dealt by what it looks like: the next one has a cookie.
    expect([await side('b', FETCHES), await side('b', { accept: 'text/html' })]).toEqual([
      'monolith',
      'monolith',
    ]);
  });
});

describe('a service', () => {
  const COOKIES = `a=1; shop.sid=s1; csrf=abc; banyan_pin=x.y; ${VISITOR}; shop.sidx=2`;

  test('gets no credential and no cookie of the proxy’s, and the monolith all of its own', async () => {
    const visitors = {
      identity: [SHOP_SESSION, { header: 'x-user-id', name: 'x-user-name', from: ['10.0.0.1'] }],
      keys: ['visitor-cookie', { apiKey: 'x-api-key' }, { header: 'x-device' }],
    } as const satisfies Partial<VisitorSettings>;
    const { proxy, monolith, service } = await startShop(
      { visitors: { ...visitors, identity: [...visitors.identity], keys: [...visitors.keys] } },
      { phase: 'extracted', owner: 'service' },
    );
    const headers = {
      cookie: COOKIES,
      authorization: 'Basic Zm9v',
      'x-api-key': 'secret',
      x_api_key: 'secret',
      'x-user-id': '1',
      'x-user-name': 'Mallory',
      'x-device': 'phone',
    };
    for (const method of ['GET', 'POST']) await ask(`${proxy.url}/cart`, { method, headers });
    expect(service.requests).toHaveLength(2);
    for (const request of service.requests) {
      expect(request.headers.cookie).toBe('a=1; csrf=abc; shop.sidx=2');
      for (const name of ['authorization', 'x-api-key', 'x_api_key', 'x-user-id', 'x-user-name']) {
        expect(request.headers).not.toHaveProperty(name);
      }
      expect(request.headers['x-device']).toBe('phone');
    }
    await ask(`${proxy.url}/elsewhere`, { headers });
    expect(monolith.requests.at(-1)?.headers).toMatchObject(headers);
    await ask(`${proxy.url}/cart`, { headers: { cookie: `shop.sid=s1; ${VISITOR}` } });
    expect(service.requests.at(-1)?.headers).not.toHaveProperty('cookie');
  });

  const claimsOf = (request: IncomingMessage | undefined): unknown => {
    const identity = request?.headers['banyan-identity']?.toString() ?? '';
    return identity && JSON.parse(Buffer.from(identity.split('.')[1] ?? '', 'base64url').toString());
  };

  test('learns whose a bearer token is from the monolith, and one that it refuses is left to it', async () => {
    const visitors = { identity: [{ bearer: { lookUp: '/me', id: 'user.id', name: 'user.name' } }] };
    const { proxy, service } = await startShop({ visitors });
    const headers = { authorization: 'Bearer good' };
    expect((await ask(`${proxy.url}/cart`, { headers })).text).toBe('service');
    expect(claimsOf(service.requests[0])).toMatchObject({ sub: '7', name: 'owner of Bearer good' });
    expect((await ask(`${proxy.url}/cart`, { headers: { authorization: 'Bearer refused' } })).text).toBe(
      'monolith',
    );
  });

  test.each(['odd', 'empty'])(
    'is not asked when the answer on who it is is %s, and no log shows it',
    async (token) => {
      const lines: string[] = [];
      const log = pino({ level: 'trace' }, { write: (line: string) => void lines.push(line) });
      const visitors = { identity: [{ bearer: { lookUp: '/me', id: 'user.id', name: 'user.name' } }] };
      const { proxy } = await startShop({ visitors, log });
      const headers = { authorization: `Bearer ${token}`, cookie: VISITOR };
      expect((await ask(`${proxy.url}/cart`, { headers })).text).toBe('monolith');
      expect(lines.join('')).toContain('who is signed in could not be found out');
      expect(lines.join('')).not.toMatch(/Ada|Lovelace|Bearer|AAAA/);
    },
  );

  test('believes a gateway’s header from the gateway alone', async () => {
    const from = (address: string) => ({
      visitors: { identity: [{ header: 'x-user-id', from: [address] }] },
    });
    const headers = { 'x-user-id': '7', cookie: VISITOR };
    const trusting = await startShop(from('127.0.0.0/8'));
    await ask(`${trusting.proxy.url}/cart`, { headers });
    expect(claimsOf(trusting.service.requests[0])).toMatchObject({ sub: '7' });
    const wary = await startShop(from('10.0.0.1'));
    await ask(`${wary.proxy.url}/cart`, { headers });
    expect(claimsOf(wary.service.requests[0])).toBe('');
  });
});

describe('explain', () => {
  test('says what a new visitor would get, and somebody pinned or with an override', async () => {
    const { proxy } = await startShop({}, { share: 1 });
    const fresh = await explain(proxy, '');
    expect(fresh).toMatchObject({ target: 'monolith', reason: 'no-key' });
    expect(fresh.steps.at(-1)?.outcome).toBe(
      'a browser gets a cookie with its first page; from then on 100 % of visitors go to the service; a client that sends no key at all stays on the monolith',
    );
    expect(await explain(proxy, '&visitor=x')).toMatchObject({ target: 'service', reason: 'cohort' });
    expect(await explain(proxy, '&key=secret-1')).toMatchObject({ target: 'service', reason: 'cohort' });
    expect(await explain(proxy, '&visitor=x&pinned=true')).toMatchObject({
      target: 'monolith',
      reason: 'pin',
    });
    expect(await explain(proxy, '&pinned=true&override=service')).toMatchObject({
      target: 'service',
      reason: 'override',
    });
  });

  test('says that a path may be read in several ways', async () => {
    const { proxy, use } = await startShop();
    expect(await explain(proxy, '%2f%2fx')).toMatchObject({ reason: 'no-slice' });
    const read = await explain(proxy, '%3bx');
    expect(read).toMatchObject({ target: 'monolith', reason: 'unclear-path' });
    use({ phase: 'extracted', owner: 'service' });
    const write = await explain(proxy, '%3bx&method=POST');
    expect(write.steps[0]?.outcome).toMatch(/refused with 400 until "paths" in banyan\.config\.ts/);
  });
});

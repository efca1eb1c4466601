import { afterEach, describe, expect, test } from '@jest/globals';
import type { PathReading, SliceRoutes } from '@banyan/contracts';
import type { Proxy } from '../create-proxy.ts';
import {
  exchangeBytes,
  Opened,
  sliceOf,
  snapshotOf,
  startProxy,
  startUpstream,
  VISITOR,
} from '../testing/fixtures.ts';

const opened = new Opened();
afterEach(() => opened.close());

const ROUTES = [{ path: '/cart' }, { path: '/orders/*' }, { path: '/products/:slug/reviews' }];

/** Sides that answer with their name and the target as it came. */
async function startSides(
  change: Partial<SliceRoutes> = {},
  paths: Partial<PathReading> = {},
): Promise<Proxy> {
  const [monolith, service] = await Promise.all(
    ['monolith', 'service'].map((side) =>
      startUpstream(opened, (request, response) => response.end(`${side} ${request.url}`)),
    ),
  );
  const proxy = await startProxy(opened, { monolithUrl: monolith?.url ?? '' });
  const slice = sliceOf(service?.url ?? '', { routes: ROUTES, ...change });
  expect(proxy.applySnapshot(snapshotOf(1, monolith?.url ?? '', [slice], { paths })).kind).toBe('applied');
  return proxy;
}

/** Sends the bytes as they are; gives the answer's body, or its status when it is none of a side's. */
async function send(proxy: Proxy, target: string, method = 'GET', headers = ''): Promise<string> {
  const head = `${method} ${target} HTTP/1.1\r\nHost: shop.example\r\nConnection: close\r\nCookie: ${VISITOR}\r\n${headers}`;
  const body = method === 'POST' ? 'Content-Length: 0\r\n' : '';
  const text = await exchangeBytes(proxy.url, `${head}${body}\r\n`);
  const answer = /(?:monolith|service) .*/.exec(text)?.[0];
  return answer?.split('\r\n')[0] ?? text.slice(9, 12);
}

const MOVED = { phase: 'extracted', owner: 'service' } as const;

describe('a path with more than one reading', () => {
  test.each([
    '//x',
    '/a//b',
    '/a%2fb',
    '/a%5Cb',
    '/a/../b',
    '/a/%2e%2e/b',
    '/a\\b',
    '/a%00b',
    '/a%zz',
    '/a%ff',
    '/a;x=1',
    '/A.HTML',
    'http://shop.example/a?b=//c',
    'https://shop.example:8443/a',
  ])('passes unchanged where no slice could match: %s', async (target) => {
    const proxy = await startSides(MOVED);
    for (const method of ['GET', 'POST'])
      expect(await send(proxy, target, method)).toBe(`monolith ${target}`);
  });

  test.each([
    '//cart',
    '/x/../cart',
    '/cart%2f',
    '/cart%00.png',
    '/cart;x=1',
    '/cart.json',
    '/CART',
    '/cart.',
    '/cart%20',
    '/orders/../about',
    '/products/a%2fb/reviews',
    '//a//b/../%2f/..;/c%2f..%5c..%00;x/.%20/#',
  ])('that may be a slice’s is answered by the monolith while that owns: %s', async (target) => {
    const proxy = await startSides();
    for (const method of ['GET', 'POST'])
      expect(await send(proxy, target, method)).toBe(`monolith ${target}`);
  });

  test.each([
    '//cart',
    '/x/../cart',
    '/cart;x=1',
    '/cart.json',
    '/CART',
    '/cart.',
    '/cart%20',
    '/orders/../about',
  ])('is refused for a write once that goes to the service, and still read: %s', async (target) => {
    const proxy = await startSides(MOVED);
    expect(await send(proxy, target, 'POST')).toBe('400');
    expect(await send(proxy, target)).toBe(`monolith ${target}`);
  });

  test.each([
    '/cart',
    '/cart/',
    '/c%61rt',
    'http://shop.example/cart',
    '/orders/a//b',
    '/orders/1;x',
    '/products/a.b/reviews',
  ])('but one owner in all of them is that owner’s: %s', async (target) => {
    const proxy = await startSides(MOVED);
    for (const method of ['GET', 'POST']) expect(await send(proxy, target, method)).toBe(`service ${target}`);
  });
});

describe('what the configuration says of the monolith', () => {
  const looksAlike = {
    letterCase: '/CART',
    trailingDotOrSpace: '/cart%20',
    parameters: '/cart;x=1',
    extension: '/cart.json',
    trailingSlash: '/cart/',
  } as const;

  test.each(Object.entries(looksAlike))('%s decides about %s', async (name, target) => {
    const same = await startSides(MOVED, { [name]: 'same' });
    const different = await startSides(MOVED, { [name]: 'different' });
    for (const method of ['GET', 'POST']) {
      expect(await send(same, target, method)).toBe(`service ${target}`);
      expect(await send(different, target, method)).toBe(`monolith ${target}`);
    }
  });
});

describe('a question before a request of another origin', () => {
  const ask = (method: string): string =>
    `Origin: https://app.example\r\nAccess-Control-Request-Method: ${method}\r\n`;

  test('goes where the request will go', async () => {
    const proxy = await startSides();
    expect(await send(proxy, '/cart', 'OPTIONS', ask('GET'))).toBe('service /cart');
    expect(await send(proxy, '/cart', 'OPTIONS', ask('POST'))).toBe('monolith /cart');
    expect(await send(proxy, '/cart', 'OPTIONS')).toBe('service /cart');
    const moved = await startSides(MOVED);
    expect(await send(moved, '/cart', 'OPTIONS', ask('POST'))).toBe('service /cart');
    expect(await send(moved, '/CART', 'OPTIONS', ask('POST'))).toBe('400');
  });

  test('matches the routes of that method', async () => {
    const proxy = await startSides({ ...MOVED, routes: [{ path: '/cart', methods: ['POST'] }] });
    expect(await send(proxy, '/cart', 'OPTIONS', ask('POST'))).toBe('service /cart');
    expect(await send(proxy, '/cart', 'OPTIONS', ask('PUT'))).toBe('monolith /cart');
  });
});

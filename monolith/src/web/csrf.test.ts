import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createTestDatabase, type TestDatabase } from '@banyan/postgres';
import { startTestShop, type TestShop } from '../testing/test-shop.ts';
import { createVisitor } from '../testing/visitor.ts';

const TOKEN = 'a'.repeat(32);
const OTHER = 'b'.repeat(32);
let testDatabase: TestDatabase;
let shop: TestShop;
let untrusting: TestShop;

beforeAll(async () => {
  testDatabase = await createTestDatabase('csrf');
  shop = await startTestShop(testDatabase.url);
  untrusting = await startTestShop(testDatabase.url, { trustProxy: false });
});
afterAll(async () => {
  await Promise.all([shop.close(), untrusting.close()]);
  await testDatabase.drop();
});

interface Attempt {
  readonly to?: TestShop;
  readonly headers?: Record<string, string>;
  readonly cookie?: string;
  readonly field?: string;
  readonly path?: string;
}

/** Status of a form sent to the cart: 303 is accepted. */
async function attempt({
  to = shop,
  headers = {},
  cookie = TOKEN,
  field = TOKEN,
  path = '/cart/items',
}: Attempt) {
  const visitor = createVisitor(to.url);
  if (cookie) visitor.cookies.set('csrf', cookie);
  const body = new URLSearchParams({ slug: 'chair', ...(field ? { _csrf: field } : {}) });
  return (await visitor.raw(path, { method: 'POST', body, headers })).status;
}

describe('a form is accepted', () => {
  test('with a token that equals the cookie, whoever made the token', async () => {
    expect(await attempt({})).toBe(303);
  });
  test('with our own origin', async () => {
    expect(await attempt({ headers: { origin: shop.url } })).toBe(303);
  });
  test('with the token in a header', async () => {
    expect(await attempt({ field: '', headers: { 'x-csrf-token': TOKEN } })).toBe(303);
  });
  test('with the origin that a trusted proxy was asked by', async () => {
    const headers = {
      origin: 'https://shop.example',
      'x-forwarded-host': 'shop.example',
      'x-forwarded-proto': 'https',
    };
    expect(await attempt({ headers })).toBe(303);
    expect(await attempt({ headers, to: untrusting })).toBe(403);
  });
});

describe('a form is refused', () => {
  test.each<[string, Attempt]>([
    ['from another site', { headers: { origin: 'https://evil.example' } }],
    ['from another port', { headers: { origin: 'http://127.0.0.1:1' } }],
    ['from a sandboxed page', { headers: { origin: 'null' } }],
    ['without a token', { field: '' }],
    ['with a token that is not the cookie’s', { field: OTHER }],
    ['without the cookie', { cookie: '' }],
    ['with a cookie that is no token', { cookie: 'x', field: 'x' }],
  ])('%s', async (_name, request) => {
    expect(await attempt(request)).toBe(403);
  });

  test('by the API too, as JSON', async () => {
    const reply = await createVisitor(shop.url).raw('/api/cart/items', {
      method: 'POST',
      body: '{"slug":"chair"}',
      headers: { 'content-type': 'application/json' },
    });
    expect(reply.status).toBe(403);
    expect(reply.json()).toMatchObject({ error: { code: 'csrf-refused' } });
  });
});

test('the token stays the same from page to page and stands in the forms', async () => {
  const visitor = createVisitor(shop.url);
  await visitor.get('/');
  const token = visitor.cookies.get('csrf') ?? '';
  expect(token).toMatch(/^[A-Za-z0-9_-]{32}$/);
  const page = await visitor.get('/products/chair');
  expect(page.headers.getSetCookie()).toEqual([]);
  expect(page.text).toContain(`name="_csrf" value="${token}"`);
});

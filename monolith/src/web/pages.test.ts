import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { createTestDatabase, type TestDatabase } from '@banyan/postgres';
import { DEPARTMENTS } from '../catalog/departments.ts';
import { startTestShop, type TestShop } from '../testing/test-shop.ts';
import { createVisitor, type Visitor } from '../testing/visitor.ts';

let testDatabase: TestDatabase;
let shop: TestShop;
let visitor: Visitor;

beforeAll(async () => {
  testDatabase = await createTestDatabase('pages');
  const seed = { products: 60, customers: 20, reviews: 200, orders: 10 };
  shop = await startTestShop(testDatabase.url, { seed });
  visitor = createVisitor(shop.url);
});
afterAll(async () => {
  await shop.close();
  await testDatabase.drop();
});

test.each(['/', '/cart', '/sign-in', '/sign-up', ...DEPARTMENTS.map(({ slug }) => `/categories/${slug}`)])(
  '%s is a whole page with one heading, a title, landmarks and no script',
  async (path) => {
    const { status, text, headers } = await visitor.get(path);
    expect(status).toBe(200);
    expect(headers.get('content-type')).toBe('text/html; charset=utf-8');
    expect(text.match(/<h1/g)).toHaveLength(1);
    expect(text).toMatch(/<title>[^<]+ · Alderwick<\/title>/);
    for (const part of ['class="skip"', '<header', '<nav', '<main', '<footer', '</html>'])
      expect(text).toContain(part);
    expect(text).not.toContain('<script');
  },
);

test('every product has a page, a picture and a list of reviews', async () => {
  const products = (await visitor.get('/api/products?perPage=100')).json() as {
    products: { slug: string }[];
  };
  expect(products.products).toHaveLength(60);
  for (const { slug } of products.products) {
    const picture = await visitor.get(`/products/${slug}/image.svg`);
    expect(picture.headers.get('content-type')).toMatch(/^image\/svg\+xml/);
    expect(picture.text).toMatch(/^<svg .*<\/svg>$/);
    expect(picture.text).not.toMatch(/NaN|undefined/);
  }
  const slug = products.products[0]?.slug ?? '';
  expect((await visitor.get(`/products/${slug}`)).status).toBe(200);
  expect((await visitor.get(`/products/${slug}/reviews`)).status).toBe(200);
});

test('a category lists its own products with their stars', async () => {
  const page = (await visitor.get('/categories/kitchen')).text;
  expect(page.match(/class="card"/g)).toHaveLength(10);
  expect(page).toMatch(/★<\/span> \d\.\d/);
  const answer = (await visitor.get('/api/products?category=kitchen')).json();
  expect(answer).toMatchObject({ count: 10, page: 1, perPage: 24, pages: 1 });
});

test.each([
  '/none',
  '/products/none',
  '/products/none/reviews',
  '/categories/none',
  '/products/NONE',
  '/products/a%00b',
  '/assets/none.css',
])('%s is a friendly 404 page', async (path) => {
  const { status, text } = await visitor.get(path);
  expect(status).toBe(404);
  expect(text).toContain('<h1>Page not found</h1>');
});

test.each(['/api/none', '/api/products/none', '/api/products/none/reviews', '/api'])(
  '%s is a 404 as JSON',
  async (path) => {
    const reply = await visitor.get(path);
    expect(reply.status).toBe(404);
    expect(reply.json()).toEqual({ error: { code: 'not-found', message: expect.any(String) as unknown } });
  },
);

test('an address that cannot be decoded is the client’s fault', async () => {
  expect((await visitor.get('/products/%E0%A4%A')).status).toBe(400);
});

test('a body that is too large is refused', async () => {
  const reply = await visitor.post('/sign-in', { email: 'x'.repeat(70_000) });
  expect(reply.status).toBe(413);
});

test('health tells of process and database', async () => {
  const reply = await visitor.get('/healthz');
  expect([reply.status, reply.json()]).toEqual([200, { status: 'ok', database: 'ok' }]);
});

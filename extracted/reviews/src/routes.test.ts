import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { generateKeyPairSync } from 'node:crypto';
import { createIdentitySigner } from '@banyan/kit';
import { serveWithoutFeed, type ServedWithoutFeed } from '@banyan/service/testing';
import { reviewsService } from './service.ts';
import { reviewRow } from './testing/review-row.ts';

const strangersKeys = generateKeyPairSync('ed25519', {
  publicKeyEncoding: { type: 'spki', format: 'pem' },
  privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
});

let service: ServedWithoutFeed;

beforeAll(async () => {
  service = await serveWithoutFeed(reviewsService, {});
});
afterAll(() => service.close());
beforeEach(async () => {
  const { writer } = service.store;
  for (const table of ['review', 'product', 'reviewer']) await writer(table).delete();
  await writer('product').insert([
    { product_id: 1, slug: 'oak-stool', name: 'Oak stool <solid>' },
    { product_id: 2, slug: 'bench', name: 'Bench' },
  ]);
  await writer('reviewer').insert([
    { reviewer_id: 1, name: 'Ada' },
    { reviewer_id: 2, name: 'Grace' },
  ]);
});

const addReviews = (count: number) =>
  service.store.writer('review').insert(
    Array.from({ length: count }, (_, index) =>
      reviewRow({
        review_id: index + 1,
        author: 1 + (index % 2),
        written_at: `2026-01-02T03:04:05.${String(index).padStart(6, '0')}Z`,
      }),
    ),
  );

const get = (path: string, init?: RequestInit) => fetch(service.url + path, init);
const json = async (path: string) => (await (await get(path)).json()) as Record<string, unknown>;
const tokenFor = (id: string, name: string, audience = 'reviews') => service.tokenFor(id, name, audience);
const tokenOfStranger = async () =>
  (await createIdentitySigner(strangersKeys.privateKey)).sign({ sub: '1', name: 'Ada' }, 'reviews');
const pageFor = async (token: string, path = '/products/oak-stool/reviews') =>
  (await get(path, { headers: { 'banyan-identity': token } })).text();

describe('the public JSON', () => {
  test('is what the shop answers, in its words', async () => {
    await service.store
      .writer('review')
      .insert([
        reviewRow({ review_id: 17, stars: 5, helpful: 3, headline: 'Sturdy', text: 'Two lines\nof text' }),
        reviewRow({ review_id: 18, stars: 4, visibility: 'hidden' }),
      ]);
    expect(await json('/api/products/oak-stool/reviews')).toEqual({
      product: { slug: 'oak-stool', name: 'Oak stool <solid>' },
      average: 5,
      count: 1,
      page: 1,
      perPage: 10,
      pages: 1,
      reviews: [
        {
          id: '17',
          rating: 5,
          title: 'Sturdy',
          body: 'Two lines\nof text',
          author: { name: 'Ada' },
          helpfulCount: 3,
          createdAt: '2026-01-02T03:04:05.678Z',
        },
      ],
    });
  });

  test('without reviews has no average', async () => {
    expect(await json('/api/products/bench/reviews')).toMatchObject({ average: null, count: 0, pages: 1 });
  });

  test('pages as asked, and is empty beyond the last page', async () => {
    await addReviews(25);
    const second = await json('/api/products/oak-stool/reviews?page=2&perPage=7');
    expect(second).toMatchObject({ page: 2, perPage: 7, pages: 4, count: 25 });
    expect((second['reviews'] as { id: string }[]).map(({ id }) => id)).toEqual(
      [18, 17, 16, 15, 14, 13, 12].map(String),
    );
    expect(await json('/api/products/oak-stool/reviews?page=9')).toMatchObject({
      page: 9,
      pages: 3,
      reviews: [],
    });
  });

  test('names every parameter that cannot be', async () => {
    const response = await get('/api/products/oak-stool/reviews?page=0&perPage=101');
    expect(response.status).toBe(422);
    expect(await response.json()).toEqual({
      error: {
        code: 'invalid-input',
        message: 'Some fields need another look.',
        fields: {
          page: 'Give a whole number from 1 to 1000000.',
          perPage: 'Give a whole number from 1 to 100.',
        },
      },
    });
  });

  test.each(['/api/products/no-such-thing/reviews', '/api/products/Oak_Stool/reviews'])(
    'has no product at %s',
    async (path) => {
      const response = await get(path);
      expect(response.status).toBe(404);
      expect(await response.json()).toEqual({
        error: { code: 'not-found', message: 'There is no such product.' },
      });
    },
  );

  test('answers HEAD as GET without a body', async () => {
    const asked = await get('/api/products/oak-stool/reviews');
    const head = await get('/api/products/oak-stool/reviews', { method: 'HEAD' });
    expect(head.status).toBe(200);
    expect(head.headers.get('content-length')).toBe(asked.headers.get('content-length'));
    expect(await head.text()).toBe('');
  });
});

describe('the service’s own API', () => {
  test('has a histogram of stars', async () => {
    await service.store
      .writer('review')
      .insert([
        reviewRow({ review_id: 1, stars: 5 }),
        reviewRow({ review_id: 2, stars: 5 }),
        reviewRow({ review_id: 3, stars: 2 }),
      ]);
    expect(await json('/v1/products/oak-stool/ratings')).toEqual({
      product: { slug: 'oak-stool', name: 'Oak stool <solid>' },
      average: 4,
      count: 3,
      histogram: [0, 1, 0, 0, 2].map((count, index) => ({ stars: index + 1, count })),
    });
  });

  test('lists reviews with microseconds', async () => {
    await addReviews(1);
    expect(await json('/v1/products/oak-stool/reviews')).toMatchObject({
      count: 1,
      reviews: [{ id: '1', stars: 4, headline: 'Headline 1', writtenAt: '2026-01-02T03:04:05.000000Z' }],
    });
  });
});

describe('the page', () => {
  test('shows names as text, whatever is in them', async () => {
    await service.store
      .writer('review')
      .insert(reviewRow({ review_id: 1, headline: '<b>bold</b>', text: '<script>' }));
    const page = await (await get('/products/oak-stool/reviews')).text();
    expect(page).toContain('Oak stool &lt;solid&gt;');
    expect(page).toContain('&lt;b&gt;bold&lt;/b&gt;');
    expect(page).not.toContain('<script>');
  });

  test.each([
    { query: '?page=99', newest: '1' },
    { query: '?page=2', newest: '2' },
    { query: '?page=0', newest: '12' },
    { query: '?page=-1', newest: '12' },
    { query: '?page=two', newest: '12' },
    { query: '?page=1&page=2', newest: '12' },
  ])('takes $query for a page that there is', async ({ query, newest }) => {
    await addReviews(newest === '1' ? 11 : 12);
    const page = await (await get(`/products/oak-stool/reviews${query}`)).text();
    expect(/id="review-(\d+)"/.exec(page)?.[1]).toBe(newest);
  });

  test('of no product is a page too', async () => {
    const response = await get('/products/no-such-thing/reviews');
    expect(response.status).toBe(404);
    expect(response.headers.get('content-type')).toBe('text/html; charset=utf-8');
    expect(await response.text()).toContain('There is no such product.');
  });

  test('gives a visitor a forgery token once, and keeps the one that he has', async () => {
    const first = await get('/products/oak-stool/reviews');
    const cookie = first.headers.get('set-cookie') ?? '';
    expect(cookie).toMatch(/^csrf=[\w-]{32}; Path=\/; SameSite=Lax$/);
    const again = await get('/products/oak-stool/reviews', {
      headers: { cookie: cookie.split(';')[0] ?? '' },
    });
    expect(again.headers.get('set-cookie')).toBeNull();
  });

  test('repeats the cookie in its forms', async () => {
    const csrf = 'a'.repeat(32);
    const token = await tokenFor('1', 'Ada');
    const response = await get('/products/oak-stool/reviews', {
      headers: { 'banyan-identity': token, cookie: `shop.sid=x; csrf=${csrf}` },
    });
    expect(await response.text()).toContain(`name="_csrf" value="${csrf}"`);
  });
});

describe('who asks', () => {
  test('is nobody without a token, whatever cookies come', async () => {
    const page = await (
      await get('/products/oak-stool/reviews', { headers: { cookie: 'shop.sid=s%3Aabc; customerId=1' } })
    ).text();
    expect(page).toContain('Sign in');
    expect(page).not.toContain('Publish review');
  });

  test('is the customer of a valid token: his name, a form, and buttons beside others’ reviews', async () => {
    await addReviews(2); // 1 is Ada's, 2 is Grace's
    const page = await pageFor(await tokenFor('3', 'Linus & Co'));
    expect(page).toContain('Linus &amp; Co');
    expect(page).toContain('action="/products/oak-stool/reviews"');
    expect(page).toContain('action="/products/oak-stool/reviews/1/helpful"');
    expect(page).toContain('action="/products/oak-stool/reviews/2/helpful"');
  });

  test('finds his own review in the form, and no button beside it', async () => {
    await service.store.writer('review').insert(reviewRow({ review_id: 1, headline: 'My words' }));
    const page = await pageFor(await tokenFor('1', 'Ada'));
    expect(page).toContain('value="My words"');
    expect(page).toContain('action="/products/oak-stool/reviews/1/edit"');
    expect(page).toContain('action="/products/oak-stool/reviews/1/delete"');
    expect(page).not.toContain('reviews/1/helpful');
  });

  test('finds his own review also while it is hidden from others', async () => {
    await service.store
      .writer('review')
      .insert(reviewRow({ review_id: 1, headline: 'My words', visibility: 'hidden' }));
    expect(await pageFor(await tokenFor('1', 'Ada'))).toContain('value="My words"');
    expect(await pageFor(await tokenFor('2', 'Grace'))).not.toContain('My words');
  });

  test.each([
    { what: 'signed by another key', make: tokenOfStranger },
    { what: 'meant for another service', make: () => tokenFor('1', 'Ada', 'orders') },
    { what: 'made up', make: () => Promise.resolve('e30.eyJzdWIiOiIxIiwibmFtZSI6IkFkYSJ9.') },
  ])('is nobody with a token $what', async ({ make }) => {
    const page = await pageFor(await make());
    expect(page).toContain('Sign in');
    expect(page).not.toContain('Publish review');
  });
});

describe('writes', () => {
  test.each([
    ['POST', '/api/products/oak-stool/reviews'],
    ['PUT', '/api/products/oak-stool/reviews/1'],
    ['DELETE', '/api/products/oak-stool/reviews/1'],
    ['POST', '/api/products/oak-stool/reviews/1/helpful'],
    ['POST', '/v1/products/oak-stool/reviews'],
  ])('%s %s stays with the shop', async (method, path) => {
    await addReviews(1);
    const response = await get(path, { method });
    expect(response.status).toBe(409);
    // The shop's form of an error on its routes, RFC 9457 on the service's own.
    const wanted = path.startsWith('/v1/')
      ? { status: 409, code: 'writes-elsewhere' }
      : { error: { code: 'writes-elsewhere' } };
    expect(await response.json()).toMatchObject(wanted);
    expect(await service.store.readers('review').count({ rows: '*' })).toEqual([{ rows: 1 }]);
  });

  test.each(['/products/oak-stool/reviews', '/api/products/oak-stool/reviews'])(
    'are among the methods that OPTIONS %s tells of, as the shop tells it',
    async (path) => {
      const response = await get(path, { method: 'OPTIONS' });
      expect(response.headers.get('allow')).toBe('GET, HEAD, POST');
    },
  );

  test('of a page are refused on a page', async () => {
    const response = await get('/products/oak-stool/reviews', { method: 'POST', body: 'rating=5' });
    expect(response.status).toBe(409);
    expect(await response.text()).toContain('writes stay with the application');
  });
});

describe('for those who run it', () => {
  test('it counts requests without a label for each product', async () => {
    await get('/products/oak-stool/reviews');
    await get('/api/products/no-such-thing/reviews');
    const metrics = await (await get('/metrics')).text();
    expect(metrics).toMatch(
      /banyan_service_http_requests_total\{slice="reviews",route="\/products\/:slug\/reviews",method="GET",status="200"\} \d+/,
    );
    expect(metrics).toMatch(
      /banyan_service_http_requests_total\{slice="reviews",route="\/api\/products\/:slug\/reviews",method="GET",status="404"\} \d+/,
    );
    expect(metrics).not.toContain('oak-stool');
  });
});

test('while the copy must not be shown, asks for a moment, on a page and as the shop’s JSON', async () => {
  service.unfitness = 'too old';
  try {
    const page = await get('/products/oak-stool/reviews');
    expect([page.status, page.headers.get('retry-after')]).toEqual([503, '2']);
    expect(await page.text()).toContain('We will be back shortly');
    const list = await get('/api/products/oak-stool/reviews');
    expect([list.status, list.headers.get('cache-control')]).toEqual([503, 'no-store']);
    expect(await list.json()).toMatchObject({ error: { code: 'copy-unfit' } });
    // A write is as wrong here as ever.
    expect((await get('/products/oak-stool/reviews', { method: 'POST' })).status).toBe(409);
  } finally {
    service.unfitness = null;
  }
});

test('there is nothing below the list to read', async () => {
  expect((await get('/products/oak-stool/reviews/1')).status).toBe(404);
  expect((await get('/api/products/oak-stool/reviews/1')).status).toBe(404);
  expect((await get('/products/%E0%A4%A/reviews')).status).toBe(400);
});

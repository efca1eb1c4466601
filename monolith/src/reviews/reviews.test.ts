import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { createTestDatabase, type TestDatabase } from '@banyan/postgres';
import { startTestShop, type TestShop } from '../testing/test-shop.ts';
import { createCustomer, createVisitor } from '../testing/visitor.ts';

const list = '/products/chair/reviews';
const api = '/api/products/chair/reviews';
const good = { rating: 4, title: 'Very good', body: 'Sits well.' };
const form = { ...good, rating: '4' };
let testDatabase: TestDatabase;
let shop: TestShop;

beforeAll(async () => {
  testDatabase = await createTestDatabase('reviews');
  shop = await startTestShop(testDatabase.url);
});
beforeEach(() => shop.database.Review.destroy({ where: {} }));
afterAll(async () => {
  await shop.close();
  await testDatabase.drop();
});

interface ReviewList {
  average: number | null;
  count: number;
  page: number;
  perPage: number;
  pages: number;
  reviews: { id: string; title: string; rating: number; helpfulCount: number; createdAt: string }[];
}

const read = async (query = '') => (await createVisitor(shop.url).get(api + query)).json() as ReviewList;

/** Stores reviews of the chair, one a rating, a second apart, oldest first; each by a customer of its own. */
async function store(ratings: readonly number[], overrides: { status?: 'hidden'; createdAt?: Date } = {}) {
  const { Customer, Product, Review } = shop.database;
  const product = await Product.findOne({ where: { slug: 'chair' }, rejectOnEmpty: true });
  for (const [index, rating] of ratings.entries()) {
    const email = `r${await Customer.count()}@example.com`;
    const author = await Customer.create({
      email,
      displayName: `Author ${index}`,
      passwordHash: '',
      creditLimitCents: 0,
    });
    await Review.create({
      productId: product.id,
      customerId: author.id,
      rating,
      title: `Title ${index}`,
      body: 'Text.',
      createdAt: new Date(Date.UTC(2026, 0, 1, 0, 0, index, 7)),
      ...overrides,
    });
  }
}

describe('writing', () => {
  test('a customer writes, changes and deletes a review on the page', async () => {
    const ann = await createCustomer(shop.url, 'Ann');
    expect((await ann.get(list)).text).toContain('Write a review');
    const written = await ann.post(list, form);
    expect([written.status, written.location]).toEqual([303, list]);
    const page = (await ann.get(list)).text;
    expect(page).toContain('<h2>Very good</h2>');
    expect(page).toContain('4.0 out of 5 from 1 review<');
    expect(page).toContain('Save changes');
    const action = /action="([^"]+\/edit)"/.exec(page)?.[1] ?? '';
    expect((await ann.post(action, { ...form, title: 'On second thoughts', rating: '2' })).status).toBe(303);
    expect(await read()).toMatchObject({ average: 2, reviews: [{ title: 'On second thoughts', rating: 2 }] });
    expect((await ann.post(action.replace('/edit', '/delete'))).status).toBe(303);
    expect((await ann.post(action.replace('/edit', '/delete'))).status).toBe(303);
    expect(await read()).toMatchObject({ average: null, count: 0, pages: 1, reviews: [] });
  });

  test('the API writes, changes and deletes too', async () => {
    const ann = await createCustomer(shop.url, 'Ann');
    const created = await ann.send('POST', api, { ...good, body: ' Two\r\nlines ' });
    expect(created.status).toBe(201);
    const { review } = created.json() as { review: { id: string } };
    expect(review).toEqual({
      id: expect.stringMatching(/^\d+$/) as unknown,
      rating: 4,
      title: 'Very good',
      body: 'Two\nlines',
      author: { name: 'Ann' },
      helpfulCount: 0,
      createdAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/) as unknown,
    });
    const changed = await ann.send('PUT', `${api}/${review.id}`, { ...good, rating: 1 });
    expect(changed.json()).toMatchObject({ review: { id: review.id, rating: 1 } });
    expect((await ann.send('DELETE', `${api}/${review.id}`)).status).toBe(204);
    expect((await ann.send('DELETE', `${api}/${review.id}`)).status).toBe(404);
  });

  test('a second review of the same product is refused, also when both come at once', async () => {
    const ann = await createCustomer(shop.url);
    const replies = await Promise.all([ann.send('POST', api, good), ann.send('POST', api, good)]);
    expect(replies.map(({ status }) => status).sort()).toEqual([201, 409]);
    expect((await ann.post(list, form)).status).toBe(409);
    expect((await read()).count).toBe(1);
  });

  test('every faulty field is named, on the page beside the field with what was typed', async () => {
    const ann = await createCustomer(shop.url);
    const reply = await ann.send('POST', api, { rating: 6, title: 'x'.repeat(121), body: ' ' });
    expect(reply.status).toBe(422);
    expect(reply.json()).toMatchObject({
      error: {
        code: 'invalid-input',
        fields: {
          rating: 'Choose from 1 to 5 stars.',
          title: 'Use at most 120 characters.',
          body: 'Tell others what you think.',
        },
      },
    });
    const page = await ann.post(list, { rating: 'many', title: '<i>kept</i>', body: '' });
    expect(page.status).toBe(422);
    expect(page.text).toContain('id="rating-error"');
    expect(page.text).toContain('id="body-error"');
    expect(page.text).not.toContain('id="title-error"');
    expect(page.text).toContain('value="&lt;i&gt;kept&lt;/i&gt;"');
  });

  test.each([4.5, '4.5', '', null, '+4', '0x4', 0])('a rating of %p is refused', async (rating) => {
    const ann = await createCustomer(shop.url);
    expect((await ann.send('POST', api, { ...good, rating })).status).toBe(422);
  });

  test('text that the database cannot hold is refused, not a crash', async () => {
    const ann = await createCustomer(shop.url);
    expect((await ann.send('POST', api, { ...good, body: 'a\0b' })).status).toBe(422);
    expect((await ann.send('POST', api, [1])).status).toBe(422);
    const broken = await ann.raw(api, {
      method: 'POST',
      body: '{',
      headers: { 'content-type': 'application/json', 'x-csrf-token': ann.cookies.get('csrf') ?? '' },
    });
    expect(broken.status).toBe(400);
  });

  test('visitors are asked to sign in', async () => {
    const visitor = createVisitor(shop.url);
    expect((await visitor.get(list)).text).toContain('href="/sign-in?next=%2Fproducts%2Fchair%2Freviews"');
    expect((await visitor.post(list, form)).location).toMatch(/^\/sign-in/);
    expect((await visitor.send('POST', api, good)).status).toBe(401);
    expect((await read()).count).toBe(0);
  });

  test('nobody changes or deletes the review of another', async () => {
    const ann = await createCustomer(shop.url);
    await ann.send('POST', api, good);
    const [{ id } = { id: '' }] = (await read()).reviews;
    const bob = await createCustomer(shop.url);
    expect((await bob.send('PUT', `${api}/${id}`, good)).status).toBe(403);
    expect((await bob.send('DELETE', `${api}/${id}`)).status).toBe(403);
    expect((await bob.post(`${list}/${id}/delete`)).status).toBe(403);
    expect((await bob.send('PUT', `/api/products/lamp/reviews/${id}`, good)).status).toBe(404);
    expect((await read()).count).toBe(1);
  });

  test('"helpful" counts once a customer, and not for one’s own', async () => {
    const ann = await createCustomer(shop.url);
    await ann.send('POST', api, good);
    const [{ id } = { id: '' }] = (await read()).reviews;
    expect((await ann.send('POST', `${api}/${id}/helpful`)).status).toBe(403);
    const bob = await createCustomer(shop.url);
    const marked = await bob.post(`${list}/${id}/helpful`, { page: '2' });
    expect(marked.location).toBe(`${list}?page=2#review-${id}`);
    await bob.post(`${list}/${id}/helpful`);
    expect((await read()).reviews[0]?.helpfulCount).toBe(1);
    // Nor does another session of his count, or twenty requests at once.
    const again = createVisitor(shop.url);
    await again.send('POST', '/api/session', { email: bob.email, password: 'a long password' });
    await Promise.all(Array.from({ length: 20 }, () => again.send('POST', `${api}/${id}/helpful`)));
    expect((await read()).reviews[0]?.helpfulCount).toBe(1);
    expect((await bob.get(list)).text).toContain('1 person found this helpful');
    const eve = await createCustomer(shop.url);
    await Promise.all(Array.from({ length: 5 }, () => eve.send('POST', `${api}/${id}/helpful`)));
    expect((await read()).reviews[0]?.helpfulCount).toBe(2);
  });
});

describe('reading', () => {
  test('pages show ten, newest first, and clamp what is asked', async () => {
    await store(Array.from({ length: 23 }, () => 5));
    const visitor = createVisitor(shop.url);
    const titles = async (query: string) =>
      [...(await visitor.get(list + query)).text.matchAll(/<h2>(Title \d+)/g)].map(([, title]) => title);
    expect((await titles(''))[0]).toBe('Title 22');
    expect(await titles('')).toHaveLength(10);
    expect(await titles('?page=3')).toEqual(['Title 2', 'Title 1', 'Title 0']);
    for (const query of ['?page=99', '?page=3&x=1']) expect(await titles(query)).toHaveLength(3);
    for (const query of ['?page=0', '?page=-1', '?page=x', '?page=1&page=2'])
      expect((await titles(query))[0]).toBe('Title 22');
  });

  test('reviews of the same moment are listed by falling id', async () => {
    await store([1, 2, 3], { createdAt: new Date('2026-01-01T00:00:00.000Z') });
    const ids = (await read()).reviews.map(({ id }) => Number(id));
    expect(ids).toEqual([...ids].sort((a, b) => b - a));
  });

  test('the API pages as asked and refuses nonsense with all faults', async () => {
    await store([5, 4, 4, 1, 2]);
    expect(await read('?page=2&perPage=2')).toMatchObject({
      product: { slug: 'chair', name: 'The chair' },
      average: 3.2,
      count: 5,
      page: 2,
      perPage: 2,
      pages: 3,
      reviews: [{ title: 'Title 2', createdAt: '2026-01-01T00:00:02.007Z' }, { title: 'Title 1' }],
    });
    expect(await read('?page=9')).toMatchObject({ page: 9, pages: 1, reviews: [] });
    const refused = await createVisitor(shop.url).get(`${api}?page=x&perPage=101`);
    expect(refused.status).toBe(422);
    expect(refused.json()).toMatchObject({
      error: {
        fields: {
          page: expect.stringContaining('from 1 to') as unknown,
          perPage: 'Give a whole number from 1 to 100.',
        },
      },
    });
  });

  test('averages round halves up to one decimal', async () => {
    await store([4, 4, 4, 5]);
    expect((await read()).average).toBe(4.3);
  });

  test('hidden reviews are neither listed nor averaged, anywhere', async () => {
    await store([5]);
    await store([1], { status: 'hidden' });
    expect(await read()).toMatchObject({ average: 5, count: 1, reviews: [{ rating: 5 }] });
    const visitor = createVisitor(shop.url);
    for (const path of [list, '/products/chair'])
      expect((await visitor.get(path)).text).toContain('5.0 out of 5 from 1 review<');
    expect((await visitor.get('/api/products/chair')).json()).toMatchObject({
      product: { averageRating: 5, reviewCount: 1 },
    });
  });

  test('the product page shows the latest five and leads to the rest', async () => {
    await store([1, 2, 3, 4, 5, 5]);
    const page = (await createVisitor(shop.url).get('/products/chair')).text;
    expect([...page.matchAll(/<h3>(Title \d)/g)].map(([, title]) => title)).toEqual([
      'Title 5',
      'Title 4',
      'Title 3',
      'Title 2',
      'Title 1',
    ]);
    expect(page).toContain(`href="${list}"`);
  });

  test('a customer who leaves takes his reviews along', async () => {
    await store([3]);
    await shop.database.Customer.destroy({ where: { displayName: 'Author 0' } });
    expect((await read()).count).toBe(0);
  });

  test('the same page twice is the same to the byte', async () => {
    await store([5, 3]);
    const visitor = createVisitor(shop.url);
    await visitor.get('/');
    expect((await visitor.get(list)).text).toBe((await visitor.get(list)).text);
  });
});

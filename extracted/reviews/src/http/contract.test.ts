import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { fileURLToPath } from 'node:url';
import { listen, silentLogger, type Listening } from '@banyan/kit';
import express from 'express';
import { middleware } from 'express-openapi-validator';
import { createSqliteReviewStore } from '../adapters/sqlite-review-store.ts';
import { createFindReviews } from '../find-reviews.ts';
import { fakeCopy, openTestStore, reviewRow } from '../testing/store.ts';
import { createApp } from './app.ts';

const CONTRACT = fileURLToPath(new URL('../../../../contracts/reviews/openapi.yaml', import.meta.url));

let file: Awaited<ReturnType<typeof openTestStore>>;
let service: Listening;
/** What the contract holds against answers, each with the address that was asked. */
const breaches: string[] = [];

beforeAll(async () => {
  file = await openTestStore();
  await file.writer('product').insert([
    { product_id: 1, slug: 'oak-stool', name: 'Oak stool' },
    { product_id: 2, slug: 'bench', name: 'Bench' },
  ]);
  await file.writer('reviewer').insert({ reviewer_id: 1, name: 'Ada' });
  await file
    .writer('review')
    .insert([
      { ...reviewRow({ review_id: 1, stars: 5 }), review_id: '9007199254740993' },
      reviewRow({ review_id: 2, stars: 2, visibility: 'hidden' }),
      reviewRow({ review_id: 3, stars: 2, text: '', written_at: '2026-01-02T03:04:05.000000Z' }),
    ]);
  const app = express();
  app.use(
    middleware({
      apiSpec: CONTRACT,
      validateRequests: false, // what the service makes of a faulty request is under test here, too
      validateResponses: {
        onError: (error, _body, request) => breaches.push(`${request.originalUrl}: ${error.message}`),
      },
    }),
  );
  app.use(
    createApp({
      find: createFindReviews(createSqliteReviewStore(file.readers)),
      verifier: { verify: () => Promise.resolve(null) },
      copy: fakeCopy(),
      log: silentLogger,
    }),
  );
  service = await listen((request, response) => void app(request, response), { port: 0 });
});
afterAll(async () => {
  await service.close();
  await file.close();
});
beforeEach(() => {
  breaches.length = 0;
});

test.each([
  ['GET', '/api/products/oak-stool/reviews', 200],
  ['GET', '/api/products/bench/reviews', 200],
  ['GET', '/api/products/oak-stool/reviews?page=7&perPage=1', 200],
  ['GET', '/api/products/oak-stool/reviews?page=none', 422],
  ['GET', '/api/products/oak-stool/reviews?page=1&page=2', 422],
  ['GET', '/api/products/no-such-thing/reviews', 404],
  ['POST', '/api/products/oak-stool/reviews', 409],
  ['GET', '/v1/products/oak-stool/ratings', 200],
  ['GET', '/v1/products/bench/ratings', 200],
  ['GET', '/v1/products/no-such-thing/ratings', 404],
  ['GET', '/v1/products/oak-stool/reviews', 200],
  ['GET', '/v1/products/oak-stool/reviews?perPage=101', 422],
  ['GET', '/v1/products/no-such-thing/reviews', 404],
  ['POST', '/v1/products/oak-stool/reviews', 409],
])('%s %s answers %i as the contract says', async (method, path, status) => {
  const response = await fetch(service.url + path, { method });
  expect(breaches).toEqual([]);
  expect(response.status).toBe(status);
  expect(response.headers.get('content-type')).toBe('application/json; charset=utf-8');
});

test('an answer that breaks the contract is noticed', async () => {
  await file.writer('review').where({ review_id: 3 }).update({ stars: 6 });
  try {
    await fetch(`${service.url}/api/products/oak-stool/reviews`);
    expect(breaches).toEqual([expect.stringContaining('rating must be <= 5')]);
  } finally {
    await file.writer('review').where({ review_id: 3 }).update({ stars: 2 });
  }
});

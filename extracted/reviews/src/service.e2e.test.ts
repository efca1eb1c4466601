import { expect } from '@jest/globals';
import { serviceContract } from '@banyan/service/testing';
import { migrationSource } from '../../../migrations/monolith/index.ts';
import { reviewsService } from './service.ts';
import { customer, product, review } from './testing/shop-rows.ts';

serviceContract({
  service: reviewsService,
  main: new URL('main.ts', import.meta.url),
  monolith: migrationSource,
  rows: {
    'public.products': (n) => product(n, `product-${n}`),
    'public.customers': (n) => customer(n, `Customer ${n}`),
    // All of the first product, so that its histogram counts each.
    'public.reviews': (n) => review(n, { customer_id: n, status: n % 9 === 0 ? 'hidden' : 'published' }),
  },
  requests: [
    'GET /api/products/product-1/reviews 200',
    'GET /api/products/product-2/reviews 200',
    'GET /api/products/product-1/reviews?page=7&perPage=1 200',
    'GET /api/products/product-1/reviews?page=none 422',
    'GET /api/products/product-1/reviews?page=1&page=2 422',
    'GET /api/products/no-such-thing/reviews 404',
    'POST /api/products/product-1/reviews 409',
    'GET /v1/products/product-1/ratings 200',
    'GET /v1/products/product-2/ratings 200',
    'GET /v1/products/no-such-thing/ratings 404',
    'GET /v1/products/product-1/reviews 200',
    'GET /v1/products/product-1/reviews?perPage=101 422',
    'GET /v1/products/no-such-thing/reviews 404',
    'POST /v1/products/product-1/reviews 409',
  ],
  expectCopied: async (ask, rows) => {
    const visible = rows - Math.floor(rows / 9);
    expect(await ask('/v1/products/product-1/ratings')).toMatchObject({ count: visible });
    const list = (await ask('/v1/products/product-1/reviews?perPage=100')) as { reviews: unknown[] };
    expect(list.reviews).toHaveLength(visible);
  },
});

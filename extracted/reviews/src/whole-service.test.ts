import { expect, test } from '@jest/globals';
import { openSqliteBus } from '@banyan/cdc/apply';
import { silentLogger } from '@banyan/kit';
import { startService } from '@banyan/service';
import { changeOf, eventually, makeTestSettings } from '@banyan/service/testing';
import { reviewsService } from './service.ts';
import { customer, product, review } from './testing/shop-rows.ts';

interface Listed {
  readonly count: number;
}

test('brings what the feed tells, whatever comes first, and takes back what is hidden or deleted', async () => {
  const settings = await makeTestSettings(reviewsService);
  const feed = await openSqliteBus({ file: settings.busFile });
  const reviews = await startService(reviewsService, { settings, log: silentLogger });
  const list = async () =>
    (await (await fetch(`${reviews.url}/api/products/oak-stool/reviews`)).json()) as Listed;
  const count = (wanted: number) => eventually(list, (answer) => answer.count === wanted);
  try {
    await feed.append([
      changeOf('public.reviews', 'r', review(9_007_199_254_740_993n, { rating: 5 })),
      changeOf('public.reviews', 'r', review(2, { customer_id: 2 })),
      changeOf('public.customers', 'r', customer(1, 'Ada')),
      changeOf('public.customers', 'r', customer(2, 'Grace')),
      changeOf('public.products', 'r', product(1, 'oak-stool')),
    ]);
    expect(await count(2)).toMatchObject({
      average: 4.5,
      product: { slug: 'oak-stool', name: 'Product 1' },
      reviews: [
        { id: '9007199254740993', author: { name: 'Ada' } },
        { id: '2', author: { name: 'Grace' } },
      ],
    });
    await feed.append([changeOf('public.reviews', 'u', review(2, { customer_id: 2, status: 'hidden' }))]);
    expect(await count(1)).toMatchObject({ average: 5 });
    await feed.append([changeOf('public.reviews', 'd', review(9_007_199_254_740_993n))]);
    expect(await count(0)).toMatchObject({ average: null });
  } finally {
    await reviews.close();
    await feed.close();
    await settings.remove();
  }
});

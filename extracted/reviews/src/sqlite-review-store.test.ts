import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { silentLogger } from '@banyan/kit';
import { openStore, type OpenStore } from '@banyan/service';
import { migrationSource } from '../../../migrations/reviews/index.ts';
import type { ReviewStore } from './review-store.ts';
import { createSqliteReviewStore } from './sqlite-review-store.ts';
import { reviewRow } from './testing/review-row.ts';

let folder: string;
let file: OpenStore;
let store: ReviewStore;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'reviews-'));
  file = await openStore({
    settings: { storeFile: join(folder, 'reviews.sqlite') },
    migrations: { sqlite: migrationSource },
    slice: 'reviews',
    log: silentLogger,
  });
  store = createSqliteReviewStore(file);
  await file.writer('product').insert({ product_id: 1, slug: 'oak-stool', name: 'Oak stool' });
  await file.writer('reviewer').insert({ reviewer_id: 1, name: 'Ada' });
});
afterEach(async () => {
  await file.close();
  await rm(folder, { recursive: true, force: true });
});

/** As the consumer writes: one upsert by key. */
const upsert = (...rows: readonly ReturnType<typeof reviewRow>[]) =>
  file.writer('review').insert(rows).onConflict('review_id').merge();

const stars = (productId = '1') =>
  store.read(async (reads) => {
    const counted = await reads.countStars(productId);
    return Object.fromEntries(counted.map((entry) => [entry.stars, entry.count]));
  });

const listed = (limit = 10, offset = 0) =>
  store.read(async (reads) => {
    const reviews = await reads.listReviews({ productId: '1', limit, offset });
    return reviews.map(({ id }) => id);
  });

describe('the histogram of stars', () => {
  test('counts new reviews, and a repeated upsert only once', async () => {
    await upsert(reviewRow({ review_id: 1, stars: 5 }), reviewRow({ review_id: 2, stars: 5 }));
    await upsert(reviewRow({ review_id: 1, stars: 5 }), reviewRow({ review_id: 3, stars: 1 }));
    expect(await stars()).toEqual({ 1: 1, 5: 2 });
  });

  test('follows changed stars and a changed product', async () => {
    await upsert(reviewRow({ review_id: 1, stars: 5 }), reviewRow({ review_id: 2, stars: 3 }));
    await upsert(reviewRow({ review_id: 1, stars: 2 }), reviewRow({ review_id: 2, stars: 3, product: 2 }));
    expect(await stars()).toEqual({ 2: 1 });
    expect(await stars('2')).toEqual({ 3: 1 });
  });

  test('leaves hidden reviews out, whether they come hidden, are hidden, or are shown again', async () => {
    await upsert(reviewRow({ review_id: 1, visibility: 'hidden' }), reviewRow({ review_id: 2 }));
    expect(await stars()).toEqual({ 4: 1 });
    await upsert(reviewRow({ review_id: 2, visibility: 'hidden', stars: 1 }));
    expect(await stars()).toEqual({});
    await upsert(reviewRow({ review_id: 1 }), reviewRow({ review_id: 2, stars: 1 }));
    expect(await stars()).toEqual({ 1: 1, 4: 1 });
    // An event that carries some columns only becomes an update of these.
    await file.writer('review').where({ review_id: 1 }).update({ visibility: 'hidden' });
    expect(await stars()).toEqual({ 1: 1 });
  });

  test('forgets deleted reviews, hidden ones included, one by one and all at once', async () => {
    await upsert(...[1, 2, 3].map((id) => reviewRow({ review_id: id })));
    await upsert(reviewRow({ review_id: 4, visibility: 'hidden' }));
    await file.writer('review').whereIn('review_id', [1, 4]).delete();
    expect(await stars()).toEqual({ 4: 2 });
    await file.writer('review').delete();
    expect(await stars()).toEqual({});
  });

  test('goes back with a transaction that fails', async () => {
    await upsert(reviewRow({ review_id: 1 }));
    await expect(
      file.writer.transaction(async (transaction) => {
        await transaction('review').insert(reviewRow({ review_id: 2 }));
        await transaction('review').insert(reviewRow({ review_id: 1 })); // there already
      }),
    ).rejects.toThrow(/UNIQUE/);
    expect(await stars()).toEqual({ 4: 1 });
  });
});

describe('the list', () => {
  test('is newest first by microseconds, then the higher id first', async () => {
    await upsert(
      reviewRow({ review_id: 1, written_at: '2026-01-02T03:04:05.678901Z' }),
      reviewRow({ review_id: 2, written_at: '2026-01-02T03:04:05.678902Z' }),
      reviewRow({ review_id: 9, written_at: '2026-01-02T03:04:05.678900Z' }),
      reviewRow({ review_id: 10, written_at: '2026-01-02T03:04:05.678900Z' }),
    );
    expect(await listed()).toEqual(['2', '1', '10', '9']);
    expect(await listed(2, 1)).toEqual(['1', '10']);
  });

  test('leaves out hidden reviews and those whose author has not arrived', async () => {
    await upsert(
      reviewRow({ review_id: 1 }),
      reviewRow({ review_id: 2, visibility: 'hidden' }),
      reviewRow({ review_id: 3, author: 7 }),
    );
    expect(await listed()).toEqual(['1']);
    await file.writer('reviewer').insert({ reviewer_id: 7, name: 'Grace' });
    expect(await listed()).toEqual(['3', '1']);
  });

  test('keeps ids beyond 2^53 exact', async () => {
    const id = '9007199254740993';
    await file.writer('review').insert({ ...reviewRow({ review_id: 0 }), review_id: id });
    expect(await listed()).toEqual([id]);
  });

  test('is read by the index, without sorting, however many reviews there are', async () => {
    const asked: { sql: string; bindings: readonly (string | number)[] }[] = [];
    file.readers.on('query', (query: (typeof asked)[number]) => asked.push(query));
    await listed();
    const list = asked.find(({ sql }) => sql.includes('ORDER BY review.written_at'));
    const plan = await file.readers.raw<{ readonly detail: string }[]>(
      `EXPLAIN QUERY PLAN ${list?.sql ?? ''}`,
      list?.bindings ?? [],
    );
    const steps = plan.map(({ detail }) => detail).join('\n');
    expect(steps).toContain('USING INDEX review_newest');
    expect(steps).not.toContain('B-TREE');
  });
});

test('finds a reader’s own review, hidden or not, of this product only', async () => {
  await upsert(reviewRow({ review_id: 1, visibility: 'hidden' }), reviewRow({ review_id: 2, product: 2 }));
  const own = (product: string, author: string) =>
    store.read((reads) => reads.findOwnReview(product, author));
  expect(await own('1', '1')).toEqual({ id: '1', stars: 4, headline: 'Headline 1', text: 'Well made.' });
  expect(await own('1', '2')).toBeNull();
});

test('reads while a long write is under way, and sees one moment', async () => {
  await upsert(reviewRow({ review_id: 1 }));
  const transaction = await file.writer.transaction();
  await transaction('review').insert(reviewRow({ review_id: 2 }));
  expect(await listed()).toEqual(['1']);
  await store.read(async (reads) => {
    expect(await reads.countStars('1')).toEqual([{ stars: 4, count: 1 }]);
    await transaction.commit();
    expect(await reads.listReviews({ productId: '1', limit: 10, offset: 0 })).toHaveLength(1);
  });
  expect(await listed()).toEqual(['2', '1']);
});

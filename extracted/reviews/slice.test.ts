import { expectInvertible } from '@banyan/contracts/testing';
import { expect, test } from '@jest/globals';
import { reviewsSlice } from './slice.ts';
import { serveWithoutFeed } from '@banyan/service/testing';
import { reviewsService } from './src/service.ts';

const targets = (source: string) =>
  Object.entries(reviewsSlice.tables.find((table) => table.source === source)?.columns ?? {});

test('every mapped table has just the columns that the service’s store has', async () => {
  const served = await serveWithoutFeed(reviewsService, {});
  try {
    for (const { target, columns } of reviewsSlice.tables) {
      const mapped = Object.values(columns).map((column) =>
        typeof column === 'string' ? column : column.to,
      );
      const stored = await served.store.readers.raw<{ name: string }[]>(`PRAGMA table_info(${target})`);
      expect(stored.map(({ name }) => name).sort()).toEqual(mapped.sort());
    }
  } finally {
    await served.close();
  }
});

test('of customers nothing leaves the shop but the name that they show', () => {
  expect(targets('public.customers').map(([column]) => column)).toEqual(['id', 'display_name']);
});

test('every transform of what will be written back can be undone', () => {
  expectInvertible(reviewsSlice, { 'public.reviews.status': 'character varying(20)' });
});

test('names and whatever people wrote are masked wherever rows are shown', () => {
  const personal = Object.fromEntries(reviewsSlice.tables.map((table) => [table.source, table.personal]));
  expect(personal).toEqual({
    'public.reviews': ['customer_id', 'title', 'body'],
    'public.products': undefined,
    'public.customers': ['display_name', 'email', 'password_hash'],
  });
});

test('owns reviews alone, and takes the list with everything below it', () => {
  const owned = reviewsSlice.tables.filter(({ kind }) => kind === 'owned');
  expect(owned.map(({ source }) => source)).toEqual(['public.reviews']);
  expect(reviewsSlice.routes.map(({ path }) => path)).toEqual([
    '/products/:slug/reviews',
    '/products/:slug/reviews/*',
    '/api/products/:slug/reviews',
    '/api/products/:slug/reviews/*',
  ]);
});

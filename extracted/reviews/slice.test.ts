import { expect, test } from '@jest/globals';
import { reviewsSlice } from './slice.ts';
import { openTestStore } from './src/testing/store.ts';

const targets = (source: string) =>
  Object.entries(reviewsSlice.tables.find((table) => table.source === source)?.columns ?? {});

test('every mapped table has just the columns that the service’s store has', async () => {
  const store = await openTestStore();
  try {
    for (const { target, columns } of reviewsSlice.tables) {
      const mapped = Object.values(columns).map((column) =>
        typeof column === 'string' ? column : column.to,
      );
      const stored = await store.readers.raw<{ name: string }[]>(`PRAGMA table_info(${target})`);
      expect(stored.map(({ name }) => name).sort()).toEqual(mapped.sort());
    }
  } finally {
    await store.close();
  }
});

test('of customers nothing leaves the shop but the name that they show', () => {
  expect(targets('public.customers').map(([column]) => column)).toEqual(['id', 'display_name']);
});

test.each(['published', 'hidden'])('the status %s comes back from the service as it went', (status) => {
  const [, target] = targets('public.reviews').find(([column]) => column === 'status') ?? [];
  if (typeof target !== 'object') throw new Error('The status has a transform.');
  expect(target.transform.inverse(target.transform.forward(status))).toBe(status);
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

import { expect, test } from '@jest/globals';
import { createTally, describeTotals } from './tally.ts';

test('counts add up by kind and over all', () => {
  let nowMs = 1_000;
  const tally = createTally(() => nowMs);
  tally.request('home');
  tally.request('reviews');
  tally.request('reviews');
  tally.error('reviews', 'status 502');
  tally.staleRead('own-review', 'gone');
  tally.count('visits');
  nowMs = 3_500;
  expect(tally.totals()).toEqual({
    elapsedMs: 2_500,
    requests: 3,
    errors: 1,
    staleReads: 1,
    visits: 1,
    refusals: 0,
    reviewsWritten: 0,
    ordersPlaced: 0,
    byKind: {
      home: { requests: 1, errors: 0, staleReads: 0 },
      reviews: { requests: 2, errors: 1, staleReads: 0 },
      'own-review': { requests: 0, errors: 0, staleReads: 1 },
    },
    recentFailures: ['reviews: status 502', 'own-review: stale: gone'],
  });
  expect(describeTotals(tally.totals())).toBe(
    '3 s: 3 requests · 1 errors · 1 stale reads · 1 visits · 0 reviews written · 0 orders placed · 0 refusals',
  );
});

test('only the last ten failures are kept in words', () => {
  const tally = createTally(() => 0);
  for (let n = 1; n <= 12; n += 1) tally.error('home', `failure ${n}`);
  const { errors, recentFailures } = tally.totals();
  expect(errors).toBe(12);
  expect(recentFailures).toHaveLength(10);
  expect(recentFailures.at(-1)).toBe('home: failure 12');
});

test('totals that were given do not change afterwards', () => {
  const tally = createTally(() => 0);
  tally.request('home');
  const before = tally.totals();
  tally.request('home');
  expect(before.byKind['home']?.requests).toBe(1);
});

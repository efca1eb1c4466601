import { describe, expect, test } from '@jest/globals';
import { describeRatings, summarizeStars } from './ratings.ts';

const stars = (...counts: readonly number[]) =>
  counts.map((count, index) => ({ stars: index + 1, count })).filter(({ count }) => count > 0);

describe('summarizeStars', () => {
  test('without reviews there is no average, and the histogram is all zeros', () => {
    expect(summarizeStars([])).toEqual({
      average: null,
      count: 0,
      histogram: [1, 2, 3, 4, 5].map((star) => ({ stars: star, count: 0 })),
    });
  });

  test('puts the histogram in order and fills in what nobody gave', () => {
    const { histogram, count } = summarizeStars([
      { stars: 5, count: 2 },
      { stars: 1, count: 7 },
    ]);
    expect(histogram.map((entry) => entry.count)).toEqual([7, 0, 0, 0, 2]);
    expect(count).toBe(9);
  });

  test.each([
    // 4.25 and 4.05 lie half-way: they go up, though 4.05 * 10 is 40.49999... in binary.
    { counts: stars(0, 0, 0, 3, 1), average: 4.3 },
    { counts: stars(0, 0, 0, 19, 1), average: 4.1 },
    { counts: stars(0, 0, 1, 0, 2), average: 4.3 },
    { counts: stars(1, 1, 1, 0, 0), average: 2 },
    { counts: stars(0, 0, 0, 0, 3), average: 5 },
  ])('rounds the average half up to one decimal: $average', ({ counts, average }) => {
    expect(summarizeStars(counts).average).toBe(average);
  });
});

test('ratings in words keep one decimal, and one review is a review', () => {
  expect(describeRatings({ average: null, count: 0 })).toBe('No reviews yet');
  expect(describeRatings({ average: 4, count: 1 })).toBe('4.0 out of 5 from 1 review');
  expect(describeRatings({ average: 4.2, count: 37 })).toBe('4.2 out of 5 from 37 reviews');
});

import { expect, test } from '@jest/globals';
import { compareJson } from './compare-json.ts';
import { describeDifferences } from './difference.ts';

const list = {
  average: 4.2,
  reviews: [
    { id: '1', rating: 5 },
    { id: '2', rating: 3 },
    { id: '3', rating: 4 },
  ],
};

test('equal values have no difference, in whatever order their keys come', () => {
  expect(compareJson(list, { reviews: list.reviews, average: 4.2 })).toEqual([]);
});

test('a wrong number is found by its path', () => {
  expect(compareJson(list, { ...list, average: 4.3 })).toEqual([
    { where: 'average', expected: '4.2', actual: '4.3' },
  ]);
});

test('one item too few is one difference, however many follow it', () => {
  const without = { ...list, reviews: list.reviews.filter(({ id }) => id !== '1') };
  expect(compareJson(list, without)).toEqual([
    { where: 'reviews[0]', expected: '{"id":"1","rating":5}', actual: null },
  ]);
});

test('a changed item is told by what changed in it, an added one as a whole', () => {
  const reviews = list.reviews.map((review) => (review.id === '2' ? { ...review, rating: 1 } : review));
  const changed = { ...list, reviews: [...reviews, { id: '4', rating: 2 }] };
  expect(describeDifferences(compareJson(list, changed))).toBe(
    'reviews[1].rating: wanted 3, got 1\nreviews[3]: wanted nothing, got {"id":"4","rating":2}',
  );
});

test('a missing key, null and an empty string are three things', () => {
  expect(compareJson({ a: null }, {})).toHaveLength(1);
  expect(compareJson({ a: null }, { a: '' })).toHaveLength(1);
  expect(compareJson({ a: '' }, {})).toHaveLength(1);
  expect(compareJson([], {})).toHaveLength(1);
});

test('items in another order differ', () => {
  expect(compareJson([1, 2], [2, 1])).not.toEqual([]);
});

import { expect, test } from '@jest/globals';
import { createRandom } from './random.ts';

const take = (seed: number) => {
  const random = createRandom(seed);
  return Array.from({ length: 50 }, () => random.next());
};

test('the same seed gives the same sequence, another seed another one', () => {
  expect(take(7)).toEqual(take(7));
  expect(take(7)).not.toEqual(take(8));
});

test('whole numbers stay within their bounds and reach both of them', () => {
  const random = createRandom(1);
  const drawn = Array.from({ length: 500 }, () => random.between(1, 3));
  expect(new Set(drawn)).toEqual(new Set([1, 2, 3]));
});

test('a chance comes true about as often as it says', () => {
  const random = createRandom(1);
  const hits = Array.from({ length: 10_000 }, () => random.chance(0.3)).filter(Boolean).length;
  expect(hits / 10_000).toBeCloseTo(0.3, 1);
});

test('picking from nothing is refused', () => {
  expect(() => createRandom(1).pick([])).toThrow(RangeError);
});

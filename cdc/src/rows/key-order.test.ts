import { expect, test } from '@jest/globals';
import { compareKeys, isSortedLike } from './key-order.ts';

test.each<[Parameters<typeof compareKeys>[0], Parameters<typeof compareKeys>[1]]>([
  [[9], [10]],
  [[-10n], [-9]],
  [[2n ** 60n], [2n ** 60n + 1n]],
  [['B'], ['a']],
  [['Z'], ['ä']],
  [['\u{ffff}'], ['\u{10000}']],
  [
    ['a', 2],
    ['a', 10],
  ],
])('%p comes before %p', (a, b) => {
  expect(compareKeys(a, b)).toBeLessThan(0);
  expect(compareKeys(b, a)).toBeGreaterThan(0);
  expect(compareKeys(a, a)).toBe(0);
});

test('a column of text that holds the source`s numbers is not sorted like them', () => {
  expect(isSortedLike([['9'], ['10'], ['11']], [1])).toBe(true);
  expect(isSortedLike([['10'], ['11'], ['9']], [1])).toBe(false);
  expect(isSortedLike([['10'], ['11'], ['9']], ['1'])).toBe(true);
  expect(isSortedLike([['-1.5'], ['1e-7'], ['9007199254740993'], ['9007199254740994']], [1n])).toBe(true);
  expect(isSortedLike([['5'], ['5']], [1])).toBe(false);
  expect(isSortedLike([], [1])).toBe(true);
});

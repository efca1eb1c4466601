import { expect, test } from '@jest/globals';
import { Turns } from './turns.ts';

let clockMs = 0;
const create = (): Turns => new Turns({ nowMs: () => clockMs, restMs: 100 });
const THREE = ['a', 'b', 'c'];

test('each of a list comes first in turn, and the others follow', () => {
  const turns = create();
  expect([1, 2, 3, 4].map(() => turns.of(THREE).join(''))).toEqual(['abc', 'bca', 'cab', 'abc']);
  expect(turns.of(['x', 'y'])).toEqual(['x', 'y']);
});

test('one that could not be reached goes last until its rest is over, and is not left out', () => {
  const turns = create();
  turns.rest('a');
  expect([1, 2, 3].map(() => turns.of(THREE).join(''))).toEqual(['bca', 'bca', 'cba']);
  clockMs += 100;
  expect(turns.of(THREE)).toEqual(['a', 'b', 'c']);
});

test('where all rest, or there is but one, they are tried all the same', () => {
  const turns = create();
  for (const each of THREE) turns.rest(each);
  expect(turns.of(THREE)).toEqual(['a', 'b', 'c']);
  expect(turns.of(['a'])).toEqual(['a']);
});

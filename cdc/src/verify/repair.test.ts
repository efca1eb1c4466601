import { expect, test } from '@jest/globals';
import { inPieces } from './repair.ts';

test('keys are asked for in pieces that a signal can hold, in their order and none twice', () => {
  const short = Array.from({ length: 2_500 }, (_, i) => [String(i)]);
  const long = Array.from({ length: 30 }, (_, i) => [`${i}`.padEnd(10_000, 'ä')]);
  const pieces = [...inPieces([...short, ...long])];
  expect(pieces.flat()).toEqual([...short, ...long]);
  expect(pieces.slice(0, 2).map(({ length }) => length)).toEqual([1_000, 1_000]);
  for (const piece of pieces) {
    expect(piece.length).toBeLessThanOrEqual(1_000);
    expect(Buffer.byteLength(JSON.stringify(piece))).toBeLessThanOrEqual(100_002);
  }
});

test('a key that is longer than all that is asked for at once is asked for alone', () => {
  const huge = ['x'.repeat(200_000)];
  expect([...inPieces([['a'], huge, ['b']])]).toEqual([[['a']], [huge], [['b']]]);
});

test('nothing is asked for without a key', () => {
  expect([...inPieces([])]).toEqual([]);
});

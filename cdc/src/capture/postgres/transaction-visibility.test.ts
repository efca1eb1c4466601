import { expect, test } from '@jest/globals';
import { isVisible, parseSnapshot, StreamedTransactions } from './transaction-visibility.ts';

test('a snapshot sees what ended before it: below xmin, or below xmax and not running', () => {
  const snapshot = parseSnapshot('10:20:10,14');
  expect([9, 10, 13, 14, 19, 20, 21].filter((xid) => isVisible(xid, snapshot))).toEqual([9, 13, 19]);
  expect(isVisible(9, parseSnapshot('10:10:'))).toBe(true);
});

test('32-bit ids are compared across the wrap-around', () => {
  const after = parseSnapshot('4294967300:4294967310:4294967305'); // 2^32 + 4, 2^32 + 14
  expect(isVisible(4_294_967_290, after)).toBe(true); // just before the wrap
  expect(isVisible(3, after)).toBe(true); // 2^32 + 3
  expect(isVisible(9, after)).toBe(false); // 2^32 + 9 is running
  expect(isVisible(20, after)).toBe(false); // 2^32 + 20 comes later
  const before = parseSnapshot('4294967200:4294967290:');
  expect(isVisible(5, before)).toBe(false); // the wrap is still to come
});

test.each(['', '1:2', 'a:b:', '1:2:x'])('%j is not a snapshot', (text) => {
  expect(() => parseSnapshot(text)).toThrow(RangeError);
});

test('streamed transactions are kept until a snapshot has seen them', () => {
  const streamed = new StreamedTransactions([7n, 4_294_967_296n + 8n]);
  streamed.add(12);
  expect(streamed.list()).toEqual([7, 8, 12]);
  streamed.forgetVisible(parseSnapshot('12:13:12'));
  expect(streamed.list()).toEqual([12]);
  streamed.forgetVisible(parseSnapshot('13:13:'));
  expect(streamed.list()).toEqual([]);
});

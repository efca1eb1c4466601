import { expect, test } from '@jest/globals';
import { formatLsn, parseLsn } from './lsn.ts';

test.each([
  ['0/0', 0n],
  ['0/16B3748', 23_803_720n],
  ['16/B374D848', 97_500_059_720n],
  ['FFFFFFFF/FFFFFFFF', 2n ** 64n - 1n],
])('%s is %s', (text, lsn) => {
  expect(parseLsn(text)).toBe(lsn);
  expect(formatLsn(lsn)).toBe(text);
});

test.each(['', '16B3748', '0/', '0/G', '123456789/0', ' 0/1'])('%j is not an LSN', (text) => {
  expect(() => parseLsn(text)).toThrow(RangeError);
});

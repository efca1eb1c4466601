import { expect, test } from '@jest/globals';
import { isUnavailable, UNAVAILABLE_VALUE } from './envelope.ts';

test.each([
  UNAVAILABLE_VALUE,
  [UNAVAILABLE_VALUE],
  Buffer.from(UNAVAILABLE_VALUE).toString('base64'), // bytea
])('%j stands for a value that the WAL left out', (value) => {
  expect(isUnavailable(value)).toBe(true);
});

test.each([null, '', 'text', 0, [], ['a'], [UNAVAILABLE_VALUE, 'a']])('%j is a value', (value) => {
  expect(isUnavailable(value)).toBe(false);
});

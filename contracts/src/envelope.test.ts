import { expect, test } from '@jest/globals';
import { isUnavailable, UNAVAILABLE_VALUE } from './envelope.ts';

test.each([
  UNAVAILABLE_VALUE,
  [UNAVAILABLE_VALUE],
  Buffer.from(UNAVAILABLE_VALUE).toString('base64'), // bytea
  [Buffer.from(UNAVAILABLE_VALUE).toString('base64')], // bytea[]
  [...Buffer.from(UNAVAILABLE_VALUE)], // int[], bigint[], date[]
  ['b68a35a7-17ad-35b3-af2a-ae46edb4545a'], // uuid[]
  JSON.stringify({ [UNAVAILABLE_VALUE]: UNAVAILABLE_VALUE }), // hstore
])('%j stands for a value that the WAL left out', (value) => {
  expect(isUnavailable(value)).toBe(true);
});

test.each([
  null,
  '',
  'text',
  0,
  [],
  ['a'],
  [UNAVAILABLE_VALUE, 'a'],
  [1, 2],
  [...Buffer.from(UNAVAILABLE_VALUE), 1],
])('%j is a value', (value) => {
  expect(isUnavailable(value)).toBe(false);
});

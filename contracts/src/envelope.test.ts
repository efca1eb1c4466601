import { expect, test } from '@jest/globals';
import {
  leftOutBy,
  looksUnavailable,
  NOTHING_UNAVAILABLE,
  UNAVAILABLE_COLUMNS_HEADER,
  UNAVAILABLE_PLACEHOLDER_HEADER,
  UNAVAILABLE_VALUE,
} from './envelope.ts';

const base64 = (text: string): string => Buffer.from(text).toString('base64');
/** A column's value as Debezium leaves it out: text, `bytea`, `hstore`, an array of texts, of numbers, of `bytea`. */
const forms = (placeholder: string): readonly unknown[] => [
  ...[placeholder, base64(placeholder), JSON.stringify({ [placeholder]: placeholder }), [placeholder]],
  [...Buffer.from(placeholder)],
  [base64(placeholder)],
];
const values = [null, '', 'text', 0, [], ['a'], [UNAVAILABLE_VALUE, 'a'], [1, 2]];

test('without a word in the headers the text tells, as it always has', () => {
  const isLeftOut = leftOutBy({});
  expect(forms(UNAVAILABLE_VALUE).map((value) => isLeftOut('a', value))).toEqual(Array(6).fill(true));
  expect(values.some((value) => isLeftOut('a', value))).toBe(false);
});

test("a placeholder of one's own makes Debezium's an ordinary text", () => {
  const isLeftOut = leftOutBy({ [UNAVAILABLE_PLACEHOLDER_HEADER]: 'banyan-x7' });
  expect(forms('banyan-x7').map((value) => isLeftOut('a', value))).toEqual(Array(6).fill(true));
  expect([...forms(UNAVAILABLE_VALUE), ...values].some((value) => isLeftOut('a', value))).toBe(false);
});

test('where columns are named, they are left out and nothing else is', () => {
  const isLeftOut = leftOutBy({ [UNAVAILABLE_COLUMNS_HEADER]: '["a"]' });
  expect(isLeftOut('a', UNAVAILABLE_VALUE)).toBe(true);
  expect(isLeftOut('b', UNAVAILABLE_VALUE)).toBe(false);
  expect(leftOutBy(NOTHING_UNAVAILABLE)('a', UNAVAILABLE_VALUE)).toBe(false);
});

test('an envelope that could be misread is noticed', () => {
  expect(looksUnavailable(JSON.stringify({ after: { a: UNAVAILABLE_VALUE } }))).toBe(true);
  expect(looksUnavailable(JSON.stringify({ after: { a: base64(UNAVAILABLE_VALUE) } }))).toBe(true);
  expect(looksUnavailable(JSON.stringify({ after: { a: 'b' } }))).toBe(false);
});

test('the placeholder of an array of UUIDs is told as well', () => {
  expect(leftOutBy({})('a', ['b68a35a7-17ad-35b3-af2a-ae46edb4545a'])).toBe(true);
  expect(leftOutBy({})('a', ['b68a35a7-17ad-35b3-af2a-ae46edb4545b'])).toBe(false);
});

import { expect, test } from '@jest/globals';
import { parseExactJson, stringifyExactJson } from './json-exact.ts';

test('an int8 beyond 2^53 survives reading and writing', () => {
  const text = '{"id":9007199254740993,"small":7,"price":1.5,"min":-9223372036854775808}';
  const value = parseExactJson(text);
  expect(value).toEqual({ id: 9007199254740993n, small: 7, price: 1.5, min: -9223372036854775808n });
  expect(stringifyExactJson(value)).toBe(text);
});

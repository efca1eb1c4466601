import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { parseEnvelopeJson, parseExactJson, stringifyExactJson } from './json-exact.ts';

test('an int8 beyond 2^53 survives reading and writing', () => {
  const text = '{"id":9007199254740993,"small":7,"price":1.5,"min":-9223372036854775808}';
  const value = parseExactJson(text);
  expect(value).toEqual({ id: 9007199254740993n, small: 7, price: 1.5, min: -9223372036854775808n });
  expect(stringifyExactJson(value)).toBe(text);
});

const field = fc.oneof(
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
  fc.integer(),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.string(),
  fc.boolean(),
  fc.constant(null),
);
const row = fc.option(
  fc.dictionary(fc.string(), fc.oneof(field, fc.array(fc.oneof(field, fc.array(field))))),
);

test('the rows of an envelope are read as exactly as by the slow way, whatever is in them', () => {
  fc.assert(
    fc.property(row, row, (before, after) => {
      const text = stringifyExactJson({ before, after, op: 'u', ts_ns: 1795500375451042001n });
      const envelope = parseEnvelopeJson(text) as { before: unknown; after: unknown };
      const exact = parseExactJson(text) as { before: unknown; after: unknown };
      expect([envelope.before, envelope.after]).toEqual([exact.before, exact.after]);
    }),
  );
});

test('an integer just beyond what a double holds is exact in a row, in an array too', () => {
  expect(parseEnvelopeJson('{"after":{"id":9007199254740993}}')).toEqual({
    after: { id: 9007199254740993n },
  });
  expect(parseEnvelopeJson('{"before":{"ids":[[-9007199254740993]]}}')).toEqual({
    before: { ids: [[-9007199254740993n]] },
  });
});

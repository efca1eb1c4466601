import { expect, test } from '@jest/globals';
import type { FieldValue } from '@banyan/contracts';
import fc from 'fast-check';
import { arrayDecoderOf, decoderOf } from '../../../rows/field-values.ts';
import { arrayLiteral, postgresText } from './postgres-values.ts';

test.each<[string, FieldValue, string]>([
  // PostgreSQL's first and last day and moment (manual, "Date/Time Types").
  ['date', -2_440_588, '4714-11-24 BC'],
  ['date', 2_145_042_905, '5874897-12-31'],
  ['timestamp', 9_224_318_015_999_999_999n, '294276-12-31 23:59:59.999999'],
  ['timestamp', -210_866_803_200_000_000n, '4714-11-24 00:00:00.000000 BC'],
  ['timestamp', '1767323045678901', '2026-01-02 03:04:05.678901'],
  ['date', '-1', '1969-12-31'],
  ['timestamptz', '0000-03-01T00:00:00.000000Z', '0001-03-01 00:00:00.000000+00 BC'],
  ['timestamptz', '-000043-03-15T12:00:00.000000Z', '0044-03-15 12:00:00.000000+00 BC'],
  ['timestamptz', '2026-01-02T03:04:05.678901Z', '2026-01-02T03:04:05.678901Z'],
  ['jsonb', [1, 2n ** 60n], '[1,1152921504606846976]'],
  ['hstore', '{"a\\"":"x","b":null}', String.raw`"a\""=>"x", "b"=>NULL`],
  ['text', true, '1'],
  ['text', ['a'], '["a"]'],
])('%s: %p is %s', (name, value, text) => {
  expect(postgresText(value, { name, isArray: false })).toBe(text);
});

test('days and microseconds come back as the reader tells them, over all dates of PostgreSQL', () => {
  const day = fc.integer({ min: -2_440_588, max: 100_000_000 });
  fc.assert(
    fc.property(day, (days) => {
      const text = postgresText(days, { name: 'date', isArray: false });
      return decoderOf('date')(text ?? '') === days;
    }),
  );
  fc.assert(
    fc.property(day, fc.integer({ min: 0, max: 86_399_999_999 }), (days, micros) => {
      const value = BigInt(days) * 86_400_000_000n + BigInt(micros);
      const text = postgresText(value, { name: 'timestamp', isArray: false });
      return String(decoderOf('timestamp')(text ?? '')) === value.toString();
    }),
  );
});

test('an array of texts is read back as it was', () => {
  fc.assert(
    fc.property(fc.array(fc.oneof(fc.string({ unit: 'grapheme' }), fc.constant(null))), (texts) => {
      expect(arrayDecoderOf(decoderOf('text'))(arrayLiteral(texts))).toEqual(texts);
    }),
  );
});

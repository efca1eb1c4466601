import fc from 'fast-check';
import type { FieldValue } from '../slice.ts';

const DAY_MICROS = 86_400_000_000;
/** PostgreSQL's first and last day, counted from 1970. */
const FIRST_DAY = -2_440_588;
const LAST_DAY = 2_145_042_905;

/**
 * Values as an envelope tells them of a column of this type, null included: what a transform may be given.
 *
 * @param type As PostgreSQL's `format_type` prints it, e.g. `character varying(20)`, `bigint`, `text[]`.
 * @throws RangeError for a type that is not known here; give the values themselves to `expectInvertible` then.
 */
export function valuesOf(type: string): fc.Arbitrary<FieldValue> {
  return fc.option(presentValuesOf(type), { nil: null, freq: 20 });
}

function presentValuesOf(type: string): fc.Arbitrary<FieldValue> {
  if (type.endsWith('[]')) return fc.array(valuesOf(type.slice(0, -2)), { maxLength: 5 });
  const base = type.replace(/\(.*\)/, '');
  const bound = Number(/\((\d+)/.exec(type)?.[1] ?? 1_000);
  const simple = simpleTypes[base];
  if (simple) return simple;
  if (['text', 'citext', 'character varying', 'character', 'bpchar'].includes(base)) return texts(bound);
  if (base === 'numeric') return decimals;
  throw new RangeError(
    `There are no values for the type ${JSON.stringify(type)}: give some of the column's own.`,
  );
}

/** Texts of at most `length` characters; PostgreSQL's hold no NUL. */
function texts(length: number): fc.Arbitrary<string> {
  return fc.string({ unit: 'grapheme', maxLength: length }).filter((text) => !text.includes('\0'));
}

function integers(min: bigint, max: bigint): fc.Arbitrary<FieldValue> {
  return fc.bigInt({ min, max }).map((value) => {
    const number = Number(value);
    return Number.isSafeInteger(number) ? number : value;
  });
}

const notFinite = fc.constantFrom('NaN', 'Infinity', '-Infinity');
const doubles = fc.oneof(
  { weight: 20, arbitrary: fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => value + 0) },
  { weight: 1, arbitrary: notFinite },
);
const decimals = fc.oneof(
  {
    weight: 20,
    arbitrary: fc
      .tuple(fc.bigInt({ min: -(10n ** 30n), max: 10n ** 30n }), fc.integer({ min: 0, max: 9 }))
      .map(([whole, scale]) => (scale === 0 ? `${whole}` : `${whole}.${'9'.repeat(scale)}`)),
  },
  { weight: 1, arbitrary: notFinite },
);
const zoned = fc
  .date({ min: new Date('0001-01-01T00:00:00Z'), max: new Date('9999-12-31T23:59:59Z'), noInvalidDate: true })
  .map((date) => `${date.toISOString().slice(0, 19)}.123456Z`);

const simpleTypes: Readonly<Record<string, fc.Arbitrary<FieldValue>>> = {
  smallint: integers(-(2n ** 15n), 2n ** 15n - 1n),
  integer: integers(-(2n ** 31n), 2n ** 31n - 1n),
  bigint: integers(-(2n ** 63n), 2n ** 63n - 1n),
  real: doubles,
  'double precision': doubles,
  boolean: fc.boolean(),
  bytea: fc.base64String(),
  uuid: fc.uuid(),
  json: fc.json(),
  jsonb: fc.json(),
  date: integers(BigInt(FIRST_DAY), BigInt(LAST_DAY)),
  'time without time zone': integers(0n, BigInt(DAY_MICROS)),
  'timestamp without time zone': integers(
    BigInt(FIRST_DAY) * BigInt(DAY_MICROS),
    9_224_318_015_999_999_999n, // 294276-12-31
  ),
  'timestamp with time zone': fc.oneof(zoned, fc.constantFrom('infinity', '-infinity')),
};

/** Values that nobody thought of, printed by PostgreSQL itself in a session of ours, and read back. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { createTestDatabase, type TestDatabase } from '@banyan/postgres';
import fc from 'fast-check';
import { parseArrayLiteral } from '../../rows/array-literal.ts';
import { hstoreToJson } from '../../rows/hstore-literal.ts';
import {
  decodeDate,
  decodeInterval,
  decodeTimestamp,
  decodeTimestampTz,
  decodeTimeTz,
} from '../../rows/moment.ts';
import { SourceDatabase } from '../postgres/source-database.ts';

let made: TestDatabase;
let database: SourceDatabase;
const signal = AbortSignal.timeout(300_000);
const RUNS = { numRuns: 15 };

beforeAll(async () => {
  made = await createTestDatabase('values');
  database = new SourceDatabase({ url: made.url, name: 'values' });
  await database.query('CREATE EXTENSION hstore', [], signal);
});
afterAll(async () => {
  await database.close();
  await made.drop();
});

/** Texts of one column. */
async function column(sql: string, values: readonly unknown[]): Promise<readonly string[]> {
  const rows = await database.query(
    `SELECT (${sql})::text AS value FROM unnest($1::text[]) AS given`,
    [values],
    signal,
  );
  return rows.map((row) => row['value'] ?? '');
}

/** Any text that PostgreSQL can hold, often of characters that a literal quotes. */
const text = fc
  .oneof(
    fc.string({ unit: 'binary', maxLength: 12 }),
    fc.string({
      unit: fc.constantFrom('"', '\\', ',', ';', '{', '}', '=', '>', ' ', '\n', 'N', 'NULL', 'ä', '😀'),
      maxLength: 8,
    }),
  )
  .filter((value) => !value.includes('\0') && value.isWellFormed());
const many = { minLength: 1, maxLength: 200 };

test('arrays of texts, with NULLs, in up to three dimensions', async () => {
  const element = fc.option(text);
  const matrix = fc
    .tuple(fc.integer({ min: 1, max: 3 }), fc.integer({ min: 1, max: 3 }))
    .chain(([rows, columns]) => {
      const row = fc.array(element, { minLength: columns, maxLength: columns });
      const plane = fc.array(row, { minLength: rows, maxLength: rows });
      return fc.oneof(row, plane, fc.array(plane, { minLength: 2, maxLength: 2 }));
    });
  await fc.assert(
    fc.asyncProperty(fc.array(fc.oneof(fc.array(element), matrix), { maxLength: 30 }), async (arrays) => {
      for (const array of arrays) {
        const [row] = await database.query('SELECT $1::text[] AS value', [array], signal);
        expect(parseArrayLiteral(row?.['value'] ?? '')).toEqual(array);
      }
    }),
    RUNS,
  );
});

test('hstores', async () => {
  const pairs = fc.uniqueArray(fc.tuple(text, fc.option(text)), { selector: ([key]) => key, maxLength: 30 });
  await fc.assert(
    fc.asyncProperty(pairs, async (given) => {
      // Not of one character: JSON.parse of V8 13.6 may read the key "\n" as a backslash.
      const keys = given.map(([key]) => `k${key}`);
      const values = given.map(([, value]) => value);
      const [row] = await database.query(
        'SELECT hstore($1::text[], $2::text[]) AS value',
        [keys, values],
        signal,
      );
      const entries = Object.entries(JSON.parse(hstoreToJson(row?.['value'] ?? '')) as object);
      expect(new Map(entries)).toEqual(new Map(given.map(([key, value]) => [`k${key}`, value])));
    }),
    { numRuns: 60 },
  );
});

test('timestamps from 4713 BC to 294247, to the microsecond', async () => {
  const micros = fc.bigInt({ min: -210_866_803_200_000_000n, max: 2n ** 63n - 1n });
  await fc.assert(
    fc.asyncProperty(fc.array(micros, many), async (given) => {
      const printed = await column(
        `timestamp '1970-01-01' + given::int8 / 86400000000 * interval '1 day'
           + given::int8 % 86400000000 * interval '1 microsecond'`,
        given.map(String),
      );
      expect(printed.map((one) => BigInt(decodeTimestamp(one)))).toEqual(given);
    }),
    RUNS,
  );
});

test('dates from 4713 BC to 5874897', async () => {
  const days = fc.integer({ min: -2_440_588, max: 2_145_042_905 });
  await fc.assert(
    fc.asyncProperty(fc.array(days, many), async (given) => {
      const printed = await column(`date '1970-01-01' + given::int`, given.map(String));
      expect(printed.map(decodeDate)).toEqual(given);
    }),
    RUNS,
  );
});

test('points in time as ISO 8601 with the digits of their type', async () => {
  const year10000 = 253_402_300_800_000_000n;
  const micros = fc.bigInt({ min: -62_135_596_800_000_000n, max: year10000 - 1n });
  await fc.assert(
    fc.asyncProperty(fc.array(micros, many), fc.constantFrom(1, 3, 6), async (given, digits) => {
      const value = `date_trunc('${digits === 6 ? 'microseconds' : 'milliseconds'}', timestamptz '1970-01-01 00:00+00'
        + given::int8 / 86400000000 * interval '24 hours' + given::int8 % 86400000000 * interval '1 microsecond')`;
      const type = digits === 1 ? "(date_trunc('second', %s))" : '(%s)';
      const point = type.replace('%s', value);
      const printed = await column(`${point}::timestamptz(${digits})`, given.map(String));
      const format = { 1: 'SS".0Z"', 3: 'SS.MS"Z"', 6: 'SS.US"Z"' }[digits];
      const wanted = await column(`to_char(${point}, 'YYYY-MM-DD"T"HH24:MI:${format}')`, given.map(String));
      expect(printed.map((one) => decodeTimestampTz(one, digits))).toEqual(wanted);
    }),
    RUNS,
  );
});

test('times of day with a zone, in UTC', async () => {
  const time = fc.tuple(
    fc.integer({ min: 0, max: 86_399_999_999 }),
    fc.integer({ min: -15 * 60, max: 15 * 60 }),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(time, many), async (given) => {
      const texts = given.map(([micros, minutes]) => `${micros} ${minutes}`);
      const zoned = `((time '00:00' + split_part(given, ' ', 1)::int8 * interval '1 microsecond') AT TIME ZONE
        (split_part(given, ' ', 2)::int * interval '1 minute'))`;
      const there = await column(zoned, texts);
      const utc = await column(`${zoned} AT TIME ZONE 'UTC'`, texts);
      expect(there.map(decodeTimeTz)).toEqual(utc.map((one) => one.replace('+00', 'Z')));
    }),
    RUNS,
  );
});

test('intervals, with a sign of their own for each part', async () => {
  const part = fc.integer({ min: -99_999, max: 99_999 });
  const interval = fc.tuple(
    part,
    part,
    fc.bigInt({ min: -1_000_000_000_000_000n, max: 1_000_000_000_000_000n }),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(interval, many), async (given) => {
      const texts = given.map((parts) => parts.join(' '));
      const value = `(make_interval(months => split_part(given, ' ', 1)::int, days => split_part(given, ' ', 2)::int)
        + split_part(given, ' ', 3)::int8 / 1000000 * interval '1 second'
        + split_part(given, ' ', 3)::int8 % 1000000 * interval '1 microsecond')`;
      const part = (name: string): string => `trim_scale(extract(${name} FROM ${value}))`;
      const wanted = await column(
        `'P' || ${part('year')} || 'Y' || ${part('month')} || 'M' || ${part('day')} || 'DT' || ${part('hour')} || 'H' ||
          ${part('minute')} || 'M' || ${part('second')} || 'S'`,
        texts,
      );
      expect((await column(value, texts)).map(decodeInterval)).toEqual(wanted);
    }),
    RUNS,
  );
});

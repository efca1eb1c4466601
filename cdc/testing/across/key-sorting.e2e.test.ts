import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { compileMapping } from '../../src/rows/mapping.ts';
import { createTestBed, type TestBed } from '../beds/reader-test-bed.ts';
import { readCanonicalPage, type Bound } from '../../src/verify/source-rows.ts';

const signal = AbortSignal.timeout(300_000);
let bed: TestBed;

beforeAll(async () => {
  bed = await createTestBed('key_sorting');
  await bed.sql(`CREATE TYPE mood AS ENUM ('sad', 'ok', 'Happy');
    CREATE DOMAIN code AS varchar(9) COLLATE "en-x-icu";
    CREATE DOMAIN positive AS int8 CHECK (value > 0)`);
});
afterAll(() => bed.close());

function tableOf(key: string): ReturnType<typeof compileMapping> {
  return compileMapping({
    source: 'public.sorted',
    target: 'sorted',
    kind: 'owned',
    key: [key],
    columns: { [key]: key },
  });
}

async function create(type: string, values: readonly string[]): Promise<void> {
  await bed.sql('DROP TABLE IF EXISTS public.sorted');
  await bed.sql(`CREATE TABLE public.sorted (k ${type} PRIMARY KEY)`);
  for (const value of values) await bed.sql(`INSERT INTO public.sorted VALUES ($1)`, [value]);
}

/** Every key as the service holds it, two rows at once. */
async function walk(): Promise<string[]> {
  const keys: string[] = [];
  let after: Bound | null = null;
  for (;;) {
    const range = { after, to: null };
    const page = await readCanonicalPage({
      source: bed.source,
      table: tableOf('k'),
      range,
      limit: 2,
      signal,
    });
    for (const index of page.rows.keys()) keys.push(...page.boundAt(index).target);
    if (page.rows.length < 2) return keys;
    after = page.boundAt(1);
    if (keys.length > 100) throw new Error(`does not end: ${keys.slice(0, 10).join()}`);
  }
}

test.each<[string, readonly string[]]>([
  ['int2', ['-32768', '-1', '9', '10', '32767']],
  ['int8', ['-9223372036854775808', '9007199254740992', '9007199254740993', '9223372036854775807']],
  ['positive', ['9', '10', '9007199254740993']],
  ['oid', ['9', '10', '4294967295']],
  ['float8', ['-1e300', '-2', '0.1', '9', '10', '1e21']],
  ['uuid', ['00000000-0000-0000-0000-0000000000aa', 'AAAAAAAA-0000-0000-0000-000000000000']],
  ['bool', ['false', 'true']],
  ['date', ['0044-03-15 BC', '1969-12-31', '1970-01-01', '9999-12-31']],
  ['time', ['00:00:00', '09:00:00.000001', '10:00:00']],
  ['timestamptz', ['0999-01-01 00:00:00+00', '2026-01-01 00:00:00+00', '2026-01-01 00:00:00.000001+00']],
  ['timestamp', ['1969-12-31 23:59:59.999999', '1970-01-01 00:00:00', '2026-01-01 00:00:00']],
])('a key of %s comes by its value', async (type, values) => {
  await create(type, values);
  const keys = await walk();
  expect(new Set(keys).size).toBe(values.length);
  expect(keys).toHaveLength(values.length);
});

test.each<[string, readonly string[]]>([
  ['text', ['b', 'B', 'ä', 'a', '_', '10', '9', '', 'a"b', 'Zebra', '\u{ffff}', '\u{10000}']],
  ['text COLLATE "en-x-icu"', ['b', 'B', 'ä', 'a', '_', '10', '9', '', 'Zebra', '\u{ffff}', '\u{10000}']],
  ['text COLLATE "C"', ['b', 'B', 'ä', 'a']],
  ['varchar(9) COLLATE "en-x-icu"', ['b', 'B', 'ä', 'a', '-b', 'bb']],
  ['code', ['b', 'B', 'ä', 'a', '-b', 'bb']],
  ['char(3)', ['b', 'B', 'ab', 'abc', 'a', '']],
  ['name', ['b', 'B', 'ab']],
  ['mood', ['sad', 'ok', 'Happy']],
  ['numeric', ['9', '10', '-1', '0.50', '1e30']],
  ['numeric(10, 2)', ['9', '10', '-1', '0.5']],
  ['inet', ['10.0.0.2', '10.0.0.1/24', '9.0.0.0', '::1']],
  ['jsonb', ['{"a":1}', '[]', '"x"', '10', '9']],
])('a key of %s comes by the bytes of its text', async (type, values) => {
  await create(type, values);
  const keys = await walk();
  expect(keys).toHaveLength(values.length);
  expect(keys).toEqual([...keys].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b))));
});

test.each([
  ['bytea', '\\x01'],
  ['timetz', '10:00+00'],
  ['int4[]', '{1}'],
  ['interval', '1 day'],
  ['bit(3)', '101'],
  ['int4range', '[1,2)'],
])('a key of %s is refused, with the way out', async (type, value) => {
  await create(type, [value]);
  await expect(walk()).rejects.toMatchObject({
    code: 'key-sorting-unsupported',
    message: expect.stringMatching(/^public\.sorted: .* k \(.*Give the table a key of/),
  });
});

test('an index on the bytes of a text serves its pages', async () => {
  await create('text COLLATE "en-x-icu"', []);
  await bed.sql(`INSERT INTO public.sorted SELECT 'word ' || n FROM generate_series(1, 20000) n`);
  await bed.sql('CREATE INDEX ON public.sorted (k COLLATE "C")');
  await bed.sql('ANALYZE public.sorted');
  const plan = await bed.sql(
    `EXPLAIN SELECT k FROM ONLY public.sorted WHERE ((k COLLATE "C")) > ('word 5') ORDER BY (k COLLATE "C") LIMIT 100`,
  );
  expect(JSON.stringify(plan)).toContain('sorted_k_idx');
});

import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { Knex } from 'knex';
import { checkMapping } from '../../src/verify/mapping-check/check-mapping.ts';
import { createPostgresSource } from '../../src/capture/feed/postgres-source.ts';
import type { PostgresSource } from '../../src/capture/feed/postgres-source.ts';
import { canonicalRow } from '../../src/rows/canonical.ts';
import { compileMapping } from '../../src/rows/mapping.ts';
import { createPostgresApplyStore } from '../../src/apply/stores/postgres/postgres-apply-store.ts';
import { openPostgresNotes } from '../beds/postgres-test-bed.ts';

/** A type, and values of it as SQL. */
const kinds: readonly (readonly [type: string, ...values: string[]])[] = [
  ['smallint', '-32768'],
  ['bigint', '9223372036854775807', '-9007199254740993'],
  ['numeric', '12345678901234567890.12345678901234567890', `'NaN'`, `'-Infinity'`],
  ['numeric(12,4)', '1.5'],
  ['real', '0.1', '3.4e38', `'NaN'`],
  ['double precision', '0.1', '1e-300', `'-Infinity'`, '-0.0'],
  ['boolean', 'true', 'false'],
  ['char(5)', `'ab'`],
  ['varchar(9)', `'é😀 '`],
  ['text', `''`, `'{"a"}'`, `E'tab\\t\\\\ '' "'`],
  ['bytea', `'\\x00ff7f80'`, `''`],
  ['uuid', `'b0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'`],
  ['json', `'{"a":  [1, 2.50]}'`],
  ['jsonb', `'{"a":  [1, 2.50, null]}'`],
  ['date', `'2026-01-02'`, `'4713-01-01 BC'`, `'5874897-12-31'`, `'infinity'`],
  ['time', `'03:04:05.678901'`, `'24:00:00'`],
  ['timetz', `'03:04:05.678901+00'`],
  ['timestamp', `'2026-01-02 03:04:05.678901'`, `'0044-03-15 12:00 BC'`, `'infinity'`, `'-infinity'`],
  ['timestamp(3)', `'2026-01-02 03:04:05.678'`],
  ['timestamptz', `'2026-01-02 03:04:05.678901+02'`, `'0044-03-15 12:00 BC'`, `'10000-01-01'`, `'-infinity'`],
  ['timestamptz(3)', `'2026-01-02 03:04:05.678'`],
  ['interval', `'1 year -2 mons 3 days 04:05:06.789'`, `'-1 day'`],
  ['inet', `'10.1.2.3'`, `'10.1.2.3/8'`],
  ['cidr', `'10.0.0.0/8'`],
  ['macaddr', `'08:00:2b:01:02:03'`],
  ['mood', `'so so'`],
  ['cents', '5'],
  ['pair', `'(1,"a b")'`],
  ['hstore', `'"a\\"b"=>"x y", "n"=>NULL'`],
  ['integer[]', `'{{1,2},{3,NULL}}'`, `'{}'`],
  ['text[]', `ARRAY['a"b', '', NULL, 'x,y', 'NULL', E'\\\\']`],
  ['timestamptz[]', `'{2026-01-02 03:04:05+00,NULL}'`],
  ['numeric[]', `'{1.50,NaN}'`],
  ['date[]', `'{2026-01-02}'`],
  ['bytea[]', `ARRAY['\\x00ff'::bytea]`],
  ['int4range', `'[1,5)'`],
  ['bit(3)', `B'101'`],
  ['xml', `'<a>1</a>'`],
];

let knex: Knex;
let source: PostgresSource;
let close: () => Promise<void>;
const columns = kinds.map((_, i) => `c${i}`);

beforeAll(async () => {
  const database = await openPostgresNotes('types');
  ({ knex } = database);
  source = createPostgresSource({ url: database.url, slot: 'none', publication: 'none' });
  close = async () => {
    await source.close();
    await database.close();
  };
  await knex.raw(`CREATE EXTENSION hstore`);
  await knex.raw(`CREATE TYPE mood AS ENUM ('sad', 'so so')`);
  await knex.raw(`CREATE DOMAIN cents AS bigint CHECK (value >= 0)`);
  await knex.raw(`CREATE TYPE pair AS (n int, t text)`);
  const defined = kinds.map(([type], i) => `c${i} ${type}`).join(', ');
  for (const table of ['there', 'here'])
    await knex.raw(`CREATE TABLE ${table} (id int PRIMARY KEY, ${defined})`);
  const rows = Math.max(...kinds.map((kind) => kind.length));
  for (let id = 1; id <= rows; id += 1) {
    // The last row is null everywhere.
    const values = kinds.map((kind) => kind[id] ?? 'NULL');
    await knex.raw(`INSERT INTO there VALUES (${id}, ${values.join(', ').replaceAll('?', '\\?')})`);
  }
});
afterAll(() => close());

test('every type of a PostgreSQL source arrives in a PostgreSQL store as it was, and is verified as equal', async () => {
  const signal = AbortSignal.timeout(30_000);
  const mapping = {
    source: 'public.there',
    target: 'here',
    kind: 'owned' as const,
    key: ['id'],
    columns: Object.fromEntries(['id', ...columns].map((name) => [name, name])),
  };
  const table = compileMapping(mapping);
  const store = createPostgresApplyStore({ knex });
  await store.load();
  const [described] = await source.describeTables(['public.there'], signal);
  expect(checkMapping({ mapping, source: described ?? null, store: await store.describe(['here']) })).toEqual(
    [],
  );

  const range = {
    table: 'public.there',
    columns: table.sourceColumns,
    key: ['id'],
    afterKey: null,
    toKey: null,
  };
  const { rows } = await source.readPage({ ...range, limit: 100 }, signal);
  const upserts = rows.map((row) => table.forward(row));
  await store.apply({
    tables: [{ table, change: { clear: false, deletes: [], upserts, updates: [] } }],
    progress: [],
    barriers: [],
    releasedTopics: [],
    quarantine: [],
  });
  const texts = (from: string) =>
    knex
      .raw<{ rows: unknown[] }>(
        `SELECT ${columns.map((name) => `concat(${name}) AS ${name}`).join(', ')} FROM ${from} ORDER BY id`,
      )
      .then((result) => result.rows);
  expect(await texts('here')).toEqual(await texts('there'));
  const page = await store.ranges.page(table, { afterKey: null, toKey: null }, 100);
  expect(page.map(({ row }) => row)).toEqual(
    upserts.map((row) => canonicalRow(table.columns.map((column) => row[column] ?? null))),
  );
});

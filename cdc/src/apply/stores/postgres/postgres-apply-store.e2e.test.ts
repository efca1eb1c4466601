import { describe, expect, test } from '@jest/globals';
import { describeApplyStore } from '../../../../testing/contracts/apply-store-contract.ts';
import { compileMapping } from '../../../rows/mapping.ts';
import { createPostgresApplyStore } from './postgres-apply-store.ts';
import { openPostgresNotes } from '../../../../testing/beds/postgres-test-bed.ts';
import { RowRejectedError } from '../../../rows/reduce.ts';

type SqlValue = null | boolean | number | string;

describe('the PostgreSQL store', () => {
  describeApplyStore(
    {
      name: 'PostgreSQL',
      notNullFault: /^23502: null in a column that is NOT NULL, table note, column text$/,
      noTableFault: /^42703: gone: there is no table "gone"$/,
      values: [
        ['bigint', 9_223_372_036_854_775_807n, '9223372036854775807'],
        ['smallint', -32_768, '-32768'],
        ['boolean', true, 'true'],
        ['numeric', '12345678901234567890.1234567890', '12345678901234567890.1234567890'],
        ['numeric', 'NaN', 'NaN'],
        ['double precision', 0.1, '0.1'],
        ['double precision', 1e15, '1e+15'],
        ['double precision', '-Infinity', '-Infinity'],
        ['real', 16_777_216, '1.6777216e+07'],
        ['text', 'é 😀 \u2028 \\ \' " {a,b} NULL', 'é 😀 \u2028 \\ \' " {a,b} NULL'],
        ['text', '', ''],
        ['text', 'NULL', 'NULL'],
        ['varchar(3)', 'abc', 'abc'],
        ['char(5)', 'ab   ', 'ab'],
        ['bytea', 'AP9/gA==', String.raw`\x00ff7f80`],
        ['uuid', 'b0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', 'b0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'],
        ['json', '{"a": [1,  2]}', '{"a": [1,  2]}'],
        ['jsonb', '{"a": [1, 2]}', '{"a": [1, 2]}'],
        ['date', 20_455, '2026-01-02'],
        ['date', -800_000, '0222-09-04 BC'],
        ['date', 'infinity', 'infinity'],
        ['time', 86_400_000_000, '24:00:00'],
        ['time', 11_045_678_901, '03:04:05.678901'],
        ['timetz', '03:04:05.678901Z', '03:04:05.678901+00'],
        ['timestamp', 1_767_323_045_678_901, '2026-01-02 03:04:05.678901'],
        ['timestamp', -1, '1969-12-31 23:59:59.999999'],
        ['timestamp', -62_135_596_800_000_001n, '0001-12-31 23:59:59.999999 BC'],
        ['timestamp', -9_223_372_036_832_400_000n, '-infinity'],
        ['timestamp', 9_223_372_036_825_200_000n, 'infinity'],
        ['timestamptz', '-0043-03-15T12:00:00.000000Z', '0044-03-15 12:00:00+00 BC'],
        ['timestamptz', '+10000-01-01T00:00:00.000000Z', '10000-01-01 00:00:00+00'],
        ['interval', 'P1Y2M3DT4H5M6.789S', '1 year 2 mons 3 days 04:05:06.789'],
        ['timestamptz(3)', '2026-01-02T03:04:05.678Z', '2026-01-02 03:04:05.678+00'],
        ['timestamptz', '2026-01-02T03:04:05.678901Z', '2026-01-02 03:04:05.678901+00'],
        ['inet', '10.1.2.3/8', '10.1.2.3/8'],
        ['inet', '10.1.2.3', '10.1.2.3/32'],
        ['boolean', false, 'false'],
        ['integer[]', [1, null, -3], '{1,NULL,-3}'],
        ['text[]', ['a"b', '', null, 'x,y', 'NULL', '\\'], String.raw`{"a\"b","",NULL,"x,y","NULL","\\"}`],
        [
          'integer[]',
          [
            [1, 2],
            [3, 4],
          ],
          '{{1,2},{3,4}}',
        ],
        ['integer[]', [], '{}'],
        ['date[]', [20_455, null], '{2026-01-02,NULL}'],
        ['numeric[]', ['1.50', 'NaN'], '{1.50,NaN}'],
      ],
    },
    async () => {
      const database = await openPostgresNotes('apply_store');
      const { knex } = database;
      return {
        store: createPostgresApplyStore({ knex }),
        async execute(sql) {
          await knex.raw(sql);
        },
        async select(sql) {
          const { rows } = await knex.raw<{ rows: Readonly<Record<string, SqlValue>>[] }>(sql);
          const text = (value: SqlValue): string | null =>
            value === null ? null : typeof value === 'boolean' ? (value ? '1' : '0') : String(value);
          return rows.map((row) =>
            Object.fromEntries(Object.entries(row).map(([name, value]) => [name, text(value)])),
          );
        },
        close: () => database.close(),
      };
    },
  );
});

test('a text that is too long, also for a domain, is refused and not cut off', async () => {
  const narrow = await openNarrow();
  try {
    const store = createPostgresApplyStore({ knex: narrow.knex });
    await store.load();
    for (const column of ['v', 'c', 'd']) {
      const table = compileMapping({
        source: 'public.narrow',
        target: 'narrow',
        kind: 'owned',
        key: ['id'],
        columns: { id: 'id', [column]: column },
      });
      const upserts = [{ id: 1, [column]: 'abcd' }];
      const change = { clear: false, deletes: [], upserts, updates: [] };
      const batch = { ...nothing, tables: [{ table, change }] };
      await expect(store.apply(batch)).rejects.toThrow(RowRejectedError);
      await expect(store.apply(batch)).rejects.toThrow('22001: a text is too long');
      await expect(store.apply(batch)).rejects.not.toThrow('abcd');
    }
  } finally {
    await narrow.close();
  }
});

const nothing = { progress: [], barriers: [], releasedTopics: [], quarantine: [] };

async function openNarrow(): Promise<Pick<Awaited<ReturnType<typeof openPostgresNotes>>, 'knex' | 'close'>> {
  const database = await openPostgresNotes('narrow');
  await database.knex.raw('CREATE DOMAIN three AS varchar(3)');
  await database.knex.raw('CREATE TABLE narrow (id int PRIMARY KEY, v varchar(3), c char(3), d three)');
  return { knex: database.knex, close: () => database.close() };
}

test('long texts are stored as they are, among short ones and in the order of events', async () => {
  const database = await openPostgresNotes('long_texts');
  const { knex } = database;
  try {
    await knex.raw('CREATE TABLE long (id int PRIMARY KEY, one text, big bigint, two jsonb)');
    await knex.raw('CREATE UNIQUE INDEX ON long (md5(one))');
    const names = ['id', 'one', 'big', 'two'];
    const table = compileMapping({
      source: 'public.long',
      target: 'long',
      kind: 'owned',
      key: ['id'],
      columns: Object.fromEntries(names.map((name) => [name, name])),
    });
    const store = createPostgresApplyStore({ knex });
    await store.load();
    const apply = (change: object) =>
      store.apply({
        ...nothing,
        tables: [{ table, change: { clear: false, deletes: [], upserts: [], updates: [], ...change } }],
      });
    const long = (mark: string): string => `${mark}"\\\n é😀{,}?`.repeat(100_000);
    const json = (mark: string): string => JSON.stringify({ a: long(mark) });
    const row = (id: number, one: string, two: string | null) => ({ id, one, big: 2n ** 62n + 1n, two });
    await apply({ upserts: [row(1, 'a', null), row(2, long('b'), json('c')), row(3, 'd', '"e"')] });
    // 2 gives its value up before 3 takes it.
    await apply({
      upserts: [row(2, 'f', json('g')), row(3, long('b'), '"h"')],
      updates: [
        { id: 1, two: json('i') },
        { id: 3, two: '"j"' },
      ],
    });
    const { rows } = await knex.raw<{ rows: unknown[] }>(
      `SELECT id, one, big::text AS big, coalesce(two ->> 'a', two ->> 0) AS two FROM long ORDER BY id`,
    );
    const big = String(2n ** 62n + 1n);
    const wanted = [
      { id: 1, one: 'a', big, two: long('i') },
      { id: 2, one: 'f', big, two: long('g') },
      { id: 3, one: long('b'), big, two: 'j' },
    ];
    expect(JSON.stringify(rows) === JSON.stringify(wanted)).toBe(true); // nobody wants to see the difference
    await expect(apply({ updates: [{ id: 9, two: json('k') }] })).rejects.toThrow(RowRejectedError);
  } finally {
    await database.close();
  }
});

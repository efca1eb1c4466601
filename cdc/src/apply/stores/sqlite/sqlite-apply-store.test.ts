import { describe, expect, test } from '@jest/globals';
import { openSqliteFile } from '@banyan/kit/sqlite';
import { describeApplyStore } from '../../../../testing/contracts/apply-store-contract.ts';
import { createFolder, notesSchema } from '../../../../testing/beds/consumer-test-bed.ts';
import { compileMapping } from '../../../rows/mapping.ts';
import { RowRejectedError } from '../../../rows/reduce.ts';
import { createSqliteApplyStore } from './sqlite-apply-store.ts';

describe('the SQLite store', () => {
  describeApplyStore(
    {
      name: 'SQLite',
      notNullFault: /^SQLITE_CONSTRAINT: NOT NULL constraint failed: note.text$/,
      noTableFault: /^SQLITE_ERROR: no such table: gone$/,
      values: [
        ['INTEGER', 9_223_372_036_854_775_807n, '9223372036854775807'],
        ['INTEGER', true, '1'],
        ['INTEGER', 1_767_323_045_678_901n, '1767323045678901'],
        ['REAL', 0.1, '0.1'],
        ['TEXT', '12345678901234567890.123456789', '12345678901234567890.123456789'],
        ['TEXT', 'NaN', 'NaN'],
        ['TEXT', '2026-01-02T03:04:05.678901Z', '2026-01-02T03:04:05.678901Z'],
        ['TEXT', 'AP9/gA==', 'AP9/gA=='],
        ['TEXT', [1, null, [2n ** 62n, 'a"b']], '[1,null,[4611686018427387904,"a\\"b"]]'],
        ['TEXT', '{"a": [1, 2]}', '{"a": [1, 2]}'],
        ['TEXT', '', ''],
        ['TEXT', 'é 😀 \u2028 \\ \' "', 'é 😀 \u2028 \\ \' "'],
        ['TEXT', 7, '7'],
      ],
    },
    async () => {
      const folder = await createFolder();
      const knex = await openSqliteFile({ file: folder.file('store.sqlite') });
      await knex.raw('PRAGMA foreign_keys = ON');
      for (const statement of notesSchema) await knex.raw(statement);
      return {
        store: createSqliteApplyStore({ knex }),
        async execute(sql) {
          await knex.raw(sql);
        },
        async select(sql) {
          const rows = await knex.raw<Readonly<Record<string, number | string | null>>[]>(sql);
          return rows.map((row) =>
            Object.fromEntries(
              Object.entries(row).map(([name, value]) => [name, value === null ? null : String(value)]),
            ),
          );
        },
        async close() {
          await knex.destroy();
          await folder.remove();
        },
      };
    },
  );
});

test('a foreign key that is not deferrable is deferred all the same', async () => {
  const folder = await createFolder();
  const knex = await openSqliteFile({ file: folder.file('store.sqlite') });
  try {
    await knex.raw('PRAGMA foreign_keys = ON');
    await knex.raw('CREATE TABLE parent (id INTEGER PRIMARY KEY)');
    await knex.raw('CREATE TABLE child (id INTEGER PRIMARY KEY, parent_id INTEGER REFERENCES parent (id))');
    const { tables } = await createSqliteApplyStore({ knex }).describe(['child']);
    expect(tables[0]?.foreignKeys).toEqual([
      { columns: ['parent_id'], references: 'parent', deferrable: true },
    ]);
  } finally {
    await knex.destroy();
    await folder.remove();
  }
});

test.each([900])(
  'a table of %d columns, the most that the check lets pass, is written, changed and compared',
  async (count) => {
    const folder = await createFolder();
    const knex = await openSqliteFile({ file: folder.file('wide.sqlite') });
    try {
      const names = Array.from({ length: count }, (_, i) => `c${i}`);
      await knex.raw(
        `CREATE TABLE wide (${names.map((name, i) => `${name} INTEGER${i ? '' : ' PRIMARY KEY'}`).join()})`,
      );
      const table = compileMapping({
        source: 'public.wide',
        target: 'wide',
        kind: 'owned',
        key: ['c0'],
        columns: Object.fromEntries(names.map((name) => [name, name])),
      });
      const store = createSqliteApplyStore({ knex });
      await store.load();
      const row = Object.fromEntries(names.map((name, i) => [name, i]));
      const part = Object.fromEntries(names.slice(0, -1).map((name, i) => [name, i * 2]));
      const apply = (change: object) =>
        store.apply({
          tables: [{ table, change: { clear: false, deletes: [], upserts: [], updates: [], ...change } }],
          progress: [],
          barriers: [],
          releasedTopics: [],
          quarantine: [],
        });
      await apply({ upserts: [row] });
      await apply({ upserts: [row], updates: [part] });
      const all = { afterKey: null, toKey: null };
      expect(await store.ranges.page(table, all, 10)).toHaveLength(1);
      expect(await store.ranges.text?.(table, all, 10)).toMatchObject({ rows: 1 });
      await apply({ deletes: [[0]] });
    } finally {
      await knex.destroy();
      await folder.remove();
    }
  },
);

test('long texts are stored as they are, among short ones and in the order of events', async () => {
  const folder = await createFolder();
  const knex = await openSqliteFile({ file: folder.file('long.sqlite') });
  try {
    await knex.raw('CREATE TABLE long (id INTEGER PRIMARY KEY, one TEXT UNIQUE, big INTEGER, two TEXT)');
    const names = ['id', 'one', 'big', 'two'];
    const table = compileMapping({
      source: 'public.long',
      target: 'long',
      kind: 'owned',
      key: ['id'],
      columns: Object.fromEntries(names.map((name) => [name, name])),
    });
    const store = createSqliteApplyStore({ knex });
    await store.load();
    const apply = (change: object) =>
      store.apply({
        tables: [{ table, change: { clear: false, deletes: [], upserts: [], updates: [], ...change } }],
        progress: [],
        barriers: [],
        releasedTopics: [],
        quarantine: [],
      });
    const long = (mark: string): string => `${mark}"\\\n é😀`.repeat(100_000);
    const row = (id: number, one: string, two: string | null) => ({ id, one, big: 2n ** 62n + 1n, two });
    await apply({ upserts: [row(1, 'a', null), row(2, long('b'), long('c')), row(3, 'd', 'e')] });
    // 2 gives its value up before 3 takes it.
    await apply({
      upserts: [row(2, 'f', long('g')), row(3, long('b'), 'h')],
      updates: [
        { id: 1, two: long('i') },
        { id: 3, two: 'j' },
      ],
    });
    const rows = await knex.raw<Readonly<Record<string, unknown>>[]>(
      'SELECT id, one, CAST(big AS TEXT) AS big, two FROM long ORDER BY id',
    );
    const big = String(2n ** 62n + 1n);
    const wanted = [
      { id: 1, one: 'a', big, two: long('i') },
      { id: 2, one: 'f', big, two: long('g') },
      { id: 3, one: long('b'), big, two: 'j' },
    ];
    expect(JSON.stringify(rows) === JSON.stringify(wanted)).toBe(true); // nobody wants to see the difference
    await expect(apply({ updates: [{ id: 9, two: long('k') }] })).rejects.toThrow(RowRejectedError);
  } finally {
    await knex.destroy();
    await folder.remove();
  }
});

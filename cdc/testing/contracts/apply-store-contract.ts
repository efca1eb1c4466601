import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import type { FieldValue, Row } from '@banyan/contracts';
import { canonicalRow, hashOf } from '../../src/rows/canonical.ts';
import { hashPieces, listRows } from '../../src/apply/http/answer-ranges.ts';
import {
  ProgressMovedError,
  StoreError,
  type ApplyBatch,
  type ApplyStore,
  type RereadWindow,
} from '../../src/apply/apply-store.ts';
import { note, notesSlice } from '../beds/consumer-test-bed.ts';
import { compileMapping, type CompiledTable } from '../../src/rows/mapping.ts';
import { RowRejectedError, type TableChange } from '../../src/rows/reduce.ts';

/** A store of its own, empty but for the table `note`. */
export interface StoreUnderTest {
  readonly store: ApplyStore;
  execute(sql: string): Promise<void>;
  /** Values as text, booleans as 1 and 0. */
  select(sql: string): Promise<Readonly<Record<string, string | null>>[]>;
  close(): Promise<void>;
}

/** Where the databases differ. */
export interface StoreDialect {
  readonly name: string;
  /** Messages of row faults, which hold no values. */
  readonly notNullFault: RegExp;
  readonly noTableFault: RegExp;
  /** A column type, a value of an envelope, and the text that the database shows of it. */
  readonly values: readonly (readonly [type: string, value: FieldValue, text: string])[];
}

const nothing: ApplyBatch = { tables: [], progress: [], barriers: [], releasedTopics: [], quarantine: [] };

function compile(mapping: Parameters<typeof compileMapping>[0] | undefined): CompiledTable {
  if (!mapping) throw new Error('no table');
  return compileMapping(mapping);
}

/** A table whose columns keep their names. */
function plainTable(target: string, key: readonly string[], columns: readonly string[]): CompiledTable {
  return compileMapping({
    source: `public.${target}`,
    target,
    kind: 'owned',
    key,
    columns: Object.fromEntries(columns.map((name) => [name, name])),
  });
}

const notes = compile(notesSlice.tables[0]);

/** What every store does, as the consumer and the verification need it. */
export function describeApplyStore(dialect: StoreDialect, open: () => Promise<StoreUnderTest>): void {
  let under: StoreUnderTest;
  let store: ApplyStore;

  beforeAll(async () => {
    under = await open();
    ({ store } = under);
    await store.load();
  });
  beforeEach(async () => {
    for (const table of ['note', 'banyan_position', 'banyan_barrier', 'banyan_quarantine', 'banyan_window']) {
      await under.execute(`DELETE FROM ${table}`);
    }
  });
  afterAll(() => under.close());

  async function change(changed: Partial<TableChange>, table = notes): Promise<void> {
    const whole = { clear: false, deletes: [], upserts: [], updates: [], ...changed };
    await store.apply({ ...nothing, tables: [{ table, change: whole }] });
  }

  const texts = () => under.select('SELECT note_id, text FROM note ORDER BY note_id');

  describe('rows:', () => {
    test('integers of 64 bits, booleans, arrays and odd text arrive exactly', async () => {
      const row = note(1, {
        big: 9_007_199_254_740_993n,
        done: true,
        tags: ['a', null, 2n ** 62n],
        body: `it's "?" \\ é 😀 :x \n`,
        score: 0.1,
      });
      await change({ upserts: [notes.forward(row)] });
      expect(
        await under.select(
          'SELECT headline, text, CAST(big AS TEXT) AS big, done, CAST(tags AS TEXT) AS tags, score FROM note',
        ),
      ).toEqual([
        {
          headline: 'T1',
          text: row['body'],
          big: '9007199254740993',
          done: '1',
          tags: '["a",null,4611686018427387904]',
          score: '0.1',
        },
      ]);
    });

    test("an upsert leaves columns alone that are the service's own", async () => {
      await change({ upserts: [notes.forward(note(1))] });
      await change({ upserts: [notes.forward(note(1, { body: 'new' }))] });
      expect(await under.select('SELECT text, writes FROM note')).toEqual([{ text: 'new', writes: '2' }]);
    });

    test('deletes come before upserts, so that a unique value can pass on', async () => {
      await change({ upserts: [notes.forward(note(1, { title: 'same' }))] });
      await change({ deletes: [[1]], upserts: [notes.forward(note(2, { title: 'same' }))] });
      expect(await texts()).toEqual([{ note_id: '2', text: 'b2' }]);
    });

    test('clearing empties the table before anything is written', async () => {
      await change({ upserts: [notes.forward(note(1)), notes.forward(note(2))] });
      await change({ clear: true, upserts: [notes.forward(note(3))] });
      expect(await texts()).toEqual([{ note_id: '3', text: 'b3' }]);
    });

    test('an update changes the columns it has, and is refused when there is no row', async () => {
      await change({ upserts: [notes.forward(note(1)), notes.forward(note(2))] });
      await change({ updates: [{ note_id: 1, headline: 'H' }, { note_id: 2, text: 'x' }, { note_id: 2 }] });
      expect(await under.select('SELECT headline, text FROM note ORDER BY note_id')).toEqual([
        { headline: 'H', text: 'b1' },
        { headline: 'T2', text: 'x' },
      ]);
      await expect(
        change({
          updates: [
            { note_id: 1, text: 'y' },
            { note_id: 9, text: 'y' },
          ],
        }),
      ).rejects.toThrow(RowRejectedError);
      expect(await texts()).toContainEqual({ note_id: '1', text: 'b1' });
    });

    test('a row that breaks a constraint is refused with the whole batch, and no value is told', async () => {
      const bad = change({
        upserts: [notes.forward(note(1)), notes.forward(note(2, { body: null, title: 'private' }))],
      });
      await expect(bad).rejects.toThrow(RowRejectedError);
      await expect(bad).rejects.toThrow(dialect.notNullFault);
      await expect(bad).rejects.not.toThrow(/private/i);
      expect(await texts()).toEqual([]);
    });

    test("a failure of the store is the store's, not a row's", async () => {
      const gone = plainTable('gone', ['id'], ['id', 'v']);
      const failing = change({ upserts: [{ id: 1, v: 'private' }] }, gone);
      await expect(failing).rejects.toThrow(StoreError);
      await expect(failing).rejects.toThrow(dialect.noTableFault);
      await expect(failing).rejects.not.toThrow('private');
      // It was of that moment: the table is seen once it is there.
      await under.execute('CREATE TABLE gone (id INTEGER PRIMARY KEY, v TEXT)');
      await change({ upserts: [{ id: 1, v: 'private' }] }, gone);
      expect(await under.select('SELECT id FROM gone')).toEqual([{ id: '1' }]);
    });

    test('insert, delete and insert of a key, of one part or of several, end with the last one', async () => {
      await change({ upserts: [notes.forward(note(1, { title: 'old', big: 7 }))] });
      await change({ deletes: [[1]], upserts: [notes.forward(note(1, { title: 'new' }))] });
      // Deleted and made anew: nothing of the earlier row is left, the service's own columns included.
      expect(await under.select('SELECT headline, big, writes FROM note')).toEqual([
        { headline: 'NEW', big: null, writes: '1' },
      ]);
    });

    test('a rehearsal tells what would be refused, and changes nothing', async () => {
      const upserts = [notes.forward(note(1))];
      const good = {
        ...nothing,
        tables: [{ table: notes, change: { clear: false, deletes: [], upserts, updates: [] } }],
      };
      await store.apply(good, { rehearse: true });
      expect(await texts()).toEqual([]);
      const bad = notes.forward(note(2, { body: null }));
      const refused = {
        ...good,
        tables: [{ table: notes, change: { clear: false, deletes: [], upserts: [bad], updates: [] } }],
      };
      await expect(store.apply(refused, { rehearse: true })).rejects.toThrow(RowRejectedError);
    });

    test('a batch of 50,000 rows, and rows of megabytes, are written in statements of bounded size', async () => {
      const many = plainTable('many', ['id'], ['id', 'v']);
      await under.execute('CREATE TABLE many (id INTEGER PRIMARY KEY, v TEXT)');
      await change({ upserts: Array.from({ length: 50_000 }, (_, id) => ({ id, v: `v${id}` })) }, many);
      const big = Array.from({ length: 5 }, (_, i) => ({ id: i, v: String(i).repeat(3_000_000) }));
      await change({ upserts: big, deletes: Array.from({ length: 20_000 }, (_, i) => [i + 30_000]) }, many);
      expect(
        await under.select(
          'SELECT count(*) AS n, sum(length(v)) AS chars, min(id) AS a, max(id) AS z FROM many',
        ),
      ).toEqual([
        {
          n: '30000',
          chars: String(15_000_000 + 5 * 2 + 90 * 3 + 900 * 4 + 9_000 * 5 + 20_000 * 6),
          a: '0',
          z: '29999',
        },
      ]);
    });

    test('composite keys, in any order of columns, and a table of key columns alone', async () => {
      const pairs = plainTable('tag', ['name', 'n'], ['n', 'name']);
      await under.execute('CREATE TABLE tag (n INTEGER, name TEXT, PRIMARY KEY (name, n))');
      await change(
        {
          upserts: [
            { n: 1, name: 'a' },
            { n: 2, name: 'a' },
            { n: 1, name: 'b' },
          ],
        },
        pairs,
      );
      await change(
        { deletes: [['a', 2]], upserts: [{ n: 1, name: 'a' }], updates: [{ n: 1, name: 'b' }] },
        pairs,
      );
      expect(await under.select('SELECT name, n FROM tag ORDER BY name, n')).toEqual([
        { name: 'a', n: '1' },
        { name: 'b', n: '1' },
      ]);
      await expect(change({ updates: [{ n: 9, name: 'b' }] }, pairs)).rejects.toThrow(
        /no earlier row to take it from/,
      );
    });

    test('constants are written to every row', async () => {
      const shops = compileMapping({
        source: 'public.shop',
        target: 'shop',
        kind: 'owned',
        key: ['id'],
        columns: { id: 'id' },
        constants: { origin: 'monolith', live: true, rank: 3, note: null },
      });
      await under.execute(
        'CREATE TABLE shop (id INTEGER PRIMARY KEY, origin TEXT, live BOOLEAN, rank INTEGER, note TEXT)',
      );
      await change({ upserts: [shops.forward({ id: 1 })] }, shops);
      expect(await under.select('SELECT * FROM shop')).toEqual([
        { id: '1', origin: 'monolith', live: '1', rank: '3', note: null },
      ]);
    });
  });

  describe('foreign keys inside the store:', () => {
    const parents = plainTable('parent', ['id'], ['id']);
    const children = plainTable('child', ['id'], ['id', 'parent_id']);
    const both = (parent: Partial<TableChange>, child: Partial<TableChange>): ApplyBatch['tables'] => {
      const none = { clear: false, deletes: [], upserts: [], updates: [] };
      return [
        { table: children, change: { ...none, ...child } },
        { table: parents, change: { ...none, ...parent } },
      ];
    };
    beforeAll(async () => {
      await under.execute('CREATE TABLE parent (id INTEGER PRIMARY KEY)');
      await under.execute(
        `CREATE TABLE child (id INTEGER PRIMARY KEY,
           parent_id INTEGER REFERENCES parent (id) DEFERRABLE INITIALLY IMMEDIATE)`,
      );
    });

    test('children may come before their parents, and parents go before their children, within a batch', async () => {
      await store.apply({
        ...nothing,
        tables: both({ upserts: [{ id: 1 }] }, { upserts: [{ id: 10, parent_id: 1 }] }),
      });
      await store.apply({
        ...nothing,
        tables: both({ deletes: [[1]] }, { deletes: [[10]] }).toReversed(),
      });
      await store.apply({
        ...nothing,
        tables: both({ upserts: [{ id: 2 }] }, { upserts: [{ id: 20, parent_id: 2 }] }),
      });
      expect(await under.select('SELECT id, parent_id FROM child')).toEqual([{ id: '20', parent_id: '2' }]);
    });

    test.each([false, true])(
      'a child whose parent is not there at the end is refused (rehearsed: %s)',
      async (rehearse) => {
        const orphan = { ...nothing, tables: both({}, { upserts: [{ id: 30, parent_id: 3 }] }) };
        await expect(store.apply(orphan, { rehearse })).rejects.toThrow(RowRejectedError);
        expect(await under.select('SELECT id FROM child WHERE id = 30')).toEqual([]);
      },
    );
  });

  describe('every type of value:', () => {
    const columns = dialect.values.map((_, i) => `c${i}`);
    const table = plainTable('kinds', ['id'], ['id', ...columns]);
    const row: Row = { id: 1, ...Object.fromEntries(dialect.values.map(([, value], i) => [`c${i}`, value])) };
    beforeAll(async () => {
      const defined = dialect.values.map(([type], i) => `c${i} ${type}`).join(', ');
      await under.execute(`CREATE TABLE kinds (id INTEGER PRIMARY KEY, ${defined})`);
      await change({ upserts: [row] }, table);
    });

    test.each(dialect.values.map(([type, value, text], i) => [type, value, text, i] as const))(
      '%s takes %p as %s',
      async (_type, _value, text, i) => {
        expect(await under.select(`SELECT CAST(c${i} AS TEXT) AS v FROM kinds`)).toEqual([{ v: text }]);
      },
    );

    test('all of them read for a verification as the source tells them', async () => {
      const whole = table.columns.map((column) => row[column] ?? null);
      const range = { table: 'kinds', afterKey: null, toKey: null, limit: 10, fieldsOf: [] };
      const { rows: found } = await listRows(store.ranges, table, range);
      expect(found).toEqual([{ key: ['1'], hash: hashOf(canonicalRow(whole)) }]);
    });
  });

  describe('progress, barriers and quarantine:', () => {
    const place = { topic: 'a', partition: 0, lost: false, filled: false, busId: 'this bus' };
    const move = { ...place, nextOffset: 3, appliedRows: 2, expectedOffset: 0 };

    test('progress is stored with the rows and read at the next start', async () => {
      await store.apply({ ...nothing, progress: [move] });
      await store.apply({
        ...nothing,
        progress: [{ ...move, nextOffset: 5, appliedRows: 4, expectedOffset: 3 }],
      });
      expect((await store.load()).progress).toEqual([{ ...place, nextOffset: 5, appliedRows: 4 }]);
    });

    test('that records were missed is stored, until it is taken back', async () => {
      for (const lost of [true, false]) {
        await store.apply({ ...nothing, progress: [{ ...move, lost, expectedOffset: lost ? 0 : 3 }] });
        expect((await store.load()).progress).toMatchObject([{ topic: 'a', lost }]);
      }
    });

    test('that the copy was filled is stored, until it is taken back', async () => {
      for (const filled of [true, false]) {
        await store.apply({ ...nothing, progress: [{ ...move, filled, expectedOffset: filled ? 0 : 3 }] });
        expect((await store.load()).progress).toMatchObject([{ topic: 'a', filled }]);
      }
    });

    test.each([0, 2, 4])(
      'a batch that starts at %i where the store stands at 3 changes nothing',
      async (expected) => {
        await store.apply({ ...nothing, progress: [move] });
        const stale: ApplyBatch = {
          ...nothing,
          progress: [{ ...move, nextOffset: 9, expectedOffset: expected }],
          tables: [
            {
              table: notes,
              change: { clear: false, deletes: [], upserts: [notes.forward(note(1))], updates: [] },
            },
          ],
        };
        await expect(store.apply(stale)).rejects.toThrow(ProgressMovedError);
        expect(await texts()).toEqual([]);
        expect((await store.load()).progress).toMatchObject([{ nextOffset: 3 }]);
      },
    );

    test('the last 1,000 barriers are kept', async () => {
      const barriers = Array.from({ length: 1_001 }, (_, i) => ({ id: `b${i}`, topic: 'a', partition: 0 }));
      await store.apply({ ...nothing, barriers });
      await store.apply({ ...nothing, barriers: barriers.slice(-1) });
      expect(await store.metBarrier('b0')).toEqual([]);
      expect(await store.metBarrier('b1')).toEqual([{ topic: 'a', partition: 0 }]);
      expect(await store.metBarrier('b1000')).toEqual([{ topic: 'a', partition: 0 }]);
    });

    test('a record in quarantine is kept whole, until its topic is released', async () => {
      const record = {
        topic: 'a',
        partition: 0,
        offset: 7,
        key: '{"id":1}',
        headers: { h: 'x' },
        value: 'v\u0000"',
      };
      await store.apply({ ...nothing, quarantine: [{ ...record, reason: 'why' }] });
      expect((await store.load()).held).toEqual([{ topic: 'a', key: '{"id":1}', records: 1 }]);
      expect(await store.heldRecords({ topic: 'a', key: '{"id":1}' })).toEqual([
        { ...record, reason: 'why' },
      ]);
      await store.apply({ ...nothing, releasedTopics: ['b'] });
      expect((await store.load()).held).toHaveLength(1);
      await store.apply({ ...nothing, releasedTopics: ['a'] });
      expect((await store.load()).held).toEqual([]);
    });

    test('queues are told with their first record and their length; one without a key is one for itself', async () => {
      const held = (topic: string, offset: number, key: string | null): ApplyBatch['quarantine'][number] => ({
        topic,
        partition: 0,
        offset,
        key,
        headers: {},
        value: `v${offset}`,
        reason: `r${offset}`,
      });
      await store.apply({
        ...nothing,
        quarantine: [
          held('a', 10, 'k'),
          held('a', 12, null),
          held('a', 9, 'k'),
          held('a', 13, null),
          held('b', 1, 'k'),
        ],
      });
      const queues = await store.heldQueues({ limit: 10 });
      expect(
        queues.map(({ topic, key, records, first }) => [topic, key, records, first.offset, first.reason]),
      ).toEqual([
        ['a', 'k', 2, 9, 'r9'],
        ['a', null, 1, 12, 'r12'],
        ['a', null, 1, 13, 'r13'],
        ['b', 'k', 1, 1, 'r1'],
      ]);
      expect(await store.heldQueues({ limit: 1 })).toHaveLength(1);
      expect((await store.heldRecords({ topic: 'a', key: 'k' })).map(({ offset }) => offset)).toEqual([
        9, 10,
      ]);
    });

    test('a key is let go before new records of it are held', async () => {
      const held = { topic: 'a', partition: 0, key: 'k', headers: {}, value: 'v', reason: 'r' };
      await store.apply({
        ...nothing,
        quarantine: [
          { ...held, offset: 1 },
          { ...held, offset: 2 },
        ],
      });
      await store.apply({
        ...nothing,
        releasedKeys: [{ topic: 'a', key: 'k' }],
        quarantine: [{ ...held, offset: 3 }],
      });
      expect(await store.heldQueues({ limit: 9 })).toMatchObject([{ records: 1, first: { offset: 3 } }]);
    });

    test('windows come longest open first, with long keys and many at once, and go before new ones of a key', async () => {
      const window = (key: string, openedAtMs: number, topic = 'a'): RereadWindow => ({
        topic,
        key,
        partition: 2,
        id: `of ${key}`,
        openedAtMs,
      });
      const long = 'ä'.repeat(20_000);
      const opened = [window('k', 9), window(long, 5), window('k', 7, 'b')];
      await store.apply({ ...nothing, openedWindows: opened });
      expect((await store.load()).windows).toEqual([opened[1], opened[2], opened[0]]);
      const again = { ...window('k', 11), id: 'other' };
      await store.apply({ ...nothing, closedWindows: [window('k', 9)], openedWindows: [again] });
      await store.apply({ ...nothing, closedWindows: [window(long, 5), window('none', 1)] });
      expect((await store.load()).windows).toEqual([opened[2], again]);
      const many = Array.from({ length: 450 }, (_, i) => window(`${i}`, 100 + i));
      await store.apply({ ...nothing, openedWindows: many });
      await store.apply({ ...nothing, closedWindows: [...many.slice(1), again] });
      expect((await store.load()).windows).toEqual([opened[2], many[0]]);
    });

    test('windows are part of the batch: a refused row leaves them as they were, and so does a rehearsal', async () => {
      const window = { topic: 'a', key: 'k', partition: 0, id: 'w', openedAtMs: 1 };
      await store.apply({ ...nothing, openedWindows: [window] });
      const upserts = [notes.forward(note(1, { body: null }))];
      const refused = [{ table: notes, change: { clear: false, deletes: [], upserts, updates: [] } }];
      await expect(store.apply({ ...nothing, tables: refused, closedWindows: [window] })).rejects.toThrow(
        RowRejectedError,
      );
      await store.apply({ ...nothing, closedWindows: [window] }, { rehearse: true });
      expect((await store.load()).windows).toEqual([window]);
    });
  });

  test('a store of an earlier version, where held keys were marked, keeps what it holds', async () => {
    await under.execute('DROP TABLE banyan_window');
    await under.execute('ALTER TABLE banyan_quarantine ADD COLUMN reread_since_ms INTEGER');
    await under.execute(`DELETE FROM banyan_migrations WHERE name LIKE '%-window'`);
    const record = { topic: 'a', partition: 0, offset: 1, key: 'k', headers: {}, value: 'v', reason: 'r' };
    await store.apply({ ...nothing, quarantine: [record] });
    await under.execute('UPDATE banyan_quarantine SET reread_since_ms = 5');
    expect(await store.load()).toEqual({
      progress: [],
      held: [{ topic: 'a', key: 'k', records: 1 }],
      windows: [],
    });
    expect(await store.heldRecords({ topic: 'a', key: 'k' })).toEqual([record]);
  });

  describe('the description of the store', () => {
    test('tells columns, keys and foreign keys as they are, and leaves out what does not exist', async () => {
      await under.execute(
        `CREATE TABLE told (a INTEGER NOT NULL, b VARCHAR(9) DEFAULT 'x', c INTEGER, d INTEGER
           GENERATED ALWAYS AS (a + 1) STORED, parent_id INTEGER REFERENCES parent (id), PRIMARY KEY (c, a))`,
      );
      await under.execute('CREATE UNIQUE INDEX told_b ON told (b)');
      await under.execute('CREATE UNIQUE INDEX told_partial ON told (parent_id) WHERE a > 1');
      const { tables } = await store.describe(['told', 'nowhere']);
      expect(tables).toHaveLength(1);
      const [told] = tables;
      const facts = told?.columns.map(({ name, nullable, hasDefault, generated }) => [
        name,
        nullable,
        hasDefault,
        generated,
      ]);
      expect(facts).toEqual([
        ['a', false, false, false],
        ['b', true, true, false],
        ['c', false, false, false],
        ['d', true, expect.any(Boolean), true],
        ['parent_id', true, false, false],
      ]);
      expect(told?.columns[1]?.type.toLowerCase()).toMatch(/^(varchar|character varying)\(9\)$/);
      expect(told?.uniqueKeys).toEqual(expect.arrayContaining([['c', 'a'], ['b']]));
      expect(told?.uniqueKeys).not.toContainEqual(['parent_id']);
      expect(told?.foreignKeys).toEqual([
        { columns: ['parent_id'], references: 'parent', deferrable: expect.any(Boolean) },
      ]);
    });
  });

  describe('ranges:', () => {
    const pairs = plainTable('pair', ['name', 'n'], ['n', 'name', 'v']);
    const rows: Row[] = [
      { name: 'B', n: 10n, v: null },
      { name: 'a', n: 2n, v: 1.5 },
      { name: 'a', n: 10n, v: -1e21 },
      { name: 'a', n: 2n ** 60n, v: 0.1 },
      { name: 'a', n: 2n ** 60n + 1n, v: 7 },
      { name: 'é', n: 1n, v: 2 },
    ];

    beforeEach(async () => {
      await under.execute(
        'CREATE TABLE IF NOT EXISTS pair (n BIGINT, name TEXT, v DOUBLE PRECISION, PRIMARY KEY (name, n))',
      );
      await change({ clear: true, upserts: rows.toReversed() }, pairs);
    });

    const lineOf = (row: Row): string => canonicalRow(pairs.columns.map((column) => row[column] ?? null));

    function expected(some: readonly Row[]): { rows: number; hash: string } {
      return { rows: some.length, hash: hashOf(some.map((row) => `${lineOf(row)}\n`).join('')) };
    }

    const key = (i: number): string[] => [String(rows[i]?.['name']), String(rows[i]?.['n'])];

    test.each([
      ['all', null, null, 0, 6],
      ['the beginning', null, key(1), 0, 2],
      ['the middle', key(0), key(3), 1, 4],
      ['one row beside a neighbour that a double does not tell apart', key(3), key(4), 4, 5],
      ['the end', key(3), null, 4, 6],
      ['keys that do not exist', ['a', '3'], ['b', '0'], 2, 5],
      ['nothing', key(5), null, 6, 6],
    ])('%s', async (_, afterKey, toKey, from, to) => {
      const wanted = rows.slice(from, to);
      const pieces = [{ toKey, maxRows: 10 }];
      const report = await hashPieces(store.ranges, pairs, { table: 'pair', afterKey, pieces });
      expect(report.pieces).toEqual([expected(wanted)]);
      const request = { table: 'pair', afterKey, toKey, limit: 10, fieldsOf: [] };
      expect((await listRows(store.ranges, pairs, request)).rows).toEqual(
        wanted.map((row) => ({
          key: [String(row['name']), String(row['n'])],
          hash: hashOf(lineOf(row)),
        })),
      );
    });

    test('pieces follow each other, and none is read further than it was asked', async () => {
      const pieces = [
        { toKey: key(1), maxRows: 2 },
        { toKey: key(2), maxRows: 0 },
        { toKey: null, maxRows: 9 },
      ];
      const report = await hashPieces(store.ranges, pairs, { table: 'pair', afterKey: null, pieces });
      expect(report.pieces).toEqual([
        expected(rows.slice(0, 2)),
        { rows: 1, hash: expect.any(String) },
        expected(rows.slice(3)),
      ]);
    });

    test('a store that puts rows together itself comes to the same hashes', async () => {
      const rowByRow = { page: store.ranges.page.bind(store.ranges) };
      const whole = rows.map((row) => ({ ...row, v: row['n'] === 10n ? 3 : null }));
      await change({ clear: true, upserts: whole }, pairs);
      const request = { table: 'pair', afterKey: null, pieces: [{ toKey: null, maxRows: 10 }] };
      expect(await hashPieces(rowByRow, pairs, request)).toEqual(
        await hashPieces(store.ranges, pairs, request),
      );
    });

    test('null, empty text and the text "null" differ', () => {
      expect(new Set([null, '', 'null'].map((value) => canonicalRow([value]))).size).toBe(3);
      expect(canonicalRow(['a', 'b'])).not.toBe(canonicalRow(['a","b']));
    });
  });
}

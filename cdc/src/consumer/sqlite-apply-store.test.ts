import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { defineSlice, type Row } from '@banyan/contracts';
import type { Knex } from 'knex';
import { openSqliteFile } from '../sqlite/open-file.ts';
import { canonicalRow, hashOf } from '../verify/canonical.ts';
import { hashPieces, listRows } from './answer-ranges.ts';
import { ProgressMovedError, StoreError, type ApplyBatch, type ApplyStore } from './apply-store.ts';
import { createFolder, note, notesSchema, notesSlice } from './consumer-test-bed.ts';
import { compileMapping, type CompiledTable } from './mapping.ts';
import { RowRejectedError, type TableChange } from './reduce.ts';
import { createSqliteApplyStore } from './sqlite-apply-store.ts';

let folder: Awaited<ReturnType<typeof createFolder>>;
let knex: Knex;
let store: ApplyStore;
let files = 0;
const notes = compile(notesSlice.tables[0]);

function compile(mapping: Parameters<typeof compileMapping>[0] | undefined): CompiledTable {
  if (!mapping) throw new Error('no table');
  return compileMapping(mapping);
}

beforeAll(async () => {
  folder = await createFolder();
});
afterAll(() => folder.remove());
beforeEach(async () => {
  files += 1;
  knex = await openSqliteFile({ file: folder.file(`${files}.sqlite`) });
  for (const statement of notesSchema) await knex.raw(statement);
  store = createSqliteApplyStore({ knex });
  await store.load();
});
afterEach(() => knex.destroy());

const nothing: ApplyBatch = { tables: [], progress: [], barriers: [], releasedTopics: [], quarantine: [] };

async function change(changed: Partial<TableChange>, table = notes): Promise<void> {
  const whole = { clear: false, deletes: [], upserts: [], updates: [], ...changed };
  await store.apply({ ...nothing, tables: [{ table, change: whole }] });
}

async function texts(): Promise<unknown[]> {
  return (await knex.raw<unknown>('SELECT note_id, text FROM note ORDER BY note_id')) as unknown[];
}

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
    const rows = await knex.raw<Row[]>('SELECT *, CAST(big AS TEXT) AS big, typeof(big) AS kind FROM note');
    expect(rows).toEqual([
      expect.objectContaining({
        headline: 'T1',
        text: row['body'],
        big: '9007199254740993',
        kind: 'integer',
        done: 1,
        tags: '["a",null,4611686018427387904]',
        score: 0.1,
      }),
    ]);
  });

  test("an upsert leaves columns alone that are the service's own", async () => {
    await change({ upserts: [notes.forward(note(1))] });
    await change({ upserts: [notes.forward(note(1, { body: 'new' }))] });
    expect(await knex.raw('SELECT text, writes FROM note')).toEqual([{ text: 'new', writes: 2 }]);
  });

  test('deletes come before upserts, so that a unique value can pass on', async () => {
    await change({ upserts: [notes.forward(note(1, { title: 'same' }))] });
    await change({ deletes: [[1]], upserts: [notes.forward(note(2, { title: 'same' }))] });
    expect(await texts()).toEqual([{ note_id: 2, text: 'b2' }]);
  });

  test('clearing empties the table before anything is written', async () => {
    await change({ upserts: [notes.forward(note(1)), notes.forward(note(2))] });
    await change({ clear: true, upserts: [notes.forward(note(3))] });
    expect(await texts()).toEqual([{ note_id: 3, text: 'b3' }]);
  });

  test('an update changes the columns it has, and is refused when there is no row', async () => {
    await change({ upserts: [notes.forward(note(1)), notes.forward(note(2))] });
    await change({ updates: [{ note_id: 1, headline: 'H' }, { note_id: 2, text: 'x' }, { note_id: 2 }] });
    expect(await knex.raw('SELECT headline, text FROM note ORDER BY note_id')).toEqual([
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
    expect(await texts()).toContainEqual({ note_id: 1, text: 'b1' });
  });

  test('a row that breaks a constraint is refused with the whole batch, and no value is told', async () => {
    const bad = change({
      upserts: [notes.forward(note(1)), notes.forward(note(2, { body: null, title: 'private' }))],
    });
    await expect(bad).rejects.toThrow(RowRejectedError);
    await expect(bad).rejects.toThrow(/^SQLITE_CONSTRAINT: NOT NULL constraint failed: note.text$/);
    expect(await texts()).toEqual([]);
  });

  test("a failure of the store is the store's, not a row's", async () => {
    await knex.raw('DROP TABLE note');
    const failing = change({ upserts: [notes.forward(note(1, { title: 'private' }))] });
    await expect(failing).rejects.toThrow(StoreError);
    await expect(failing).rejects.toThrow('SQLITE_ERROR: no such table: note');
    await expect(failing).rejects.not.toThrow('PRIVATE');
  });
});

describe('progress, barriers and quarantine:', () => {
  const move = { topic: 'a', partition: 0, nextOffset: 3, appliedRows: 2, expectedOffset: 0 };

  test('progress is stored with the rows and read at the next start', async () => {
    await store.apply({ ...nothing, progress: [move] });
    await store.apply({
      ...nothing,
      progress: [{ ...move, nextOffset: 5, appliedRows: 4, expectedOffset: 3 }],
    });
    expect((await createSqliteApplyStore({ knex }).load()).progress).toEqual([
      { topic: 'a', partition: 0, nextOffset: 5, appliedRows: 4 },
    ]);
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
    const record = { topic: 'a', partition: 0, offset: 7, key: '{"id":1}', headers: { h: 'x' }, value: 'v' };
    await store.apply({ ...nothing, quarantine: [{ ...record, reason: 'why' }] });
    expect((await store.load()).held).toEqual([{ topic: 'a', key: '{"id":1}' }]);
    expect(await knex.raw('SELECT record, reason, record_offset FROM banyan_quarantine')).toEqual([
      { record: '{"headers":{"h":"x"},"value":"v"}', reason: 'why', record_offset: 7 },
    ]);
    await store.apply({ ...nothing, releasedTopics: ['b'] });
    expect((await store.load()).held).toHaveLength(1);
    await store.apply({ ...nothing, releasedTopics: ['a'] });
    expect((await store.load()).held).toEqual([]);
  });
});

describe('ranges:', () => {
  const pairs = compile(
    defineSlice({
      name: 'pairs',
      title: 'Pairs',
      routes: [{ path: '/pairs' }],
      tables: [
        {
          source: 'public.pairs',
          target: 'pair',
          kind: 'owned',
          key: ['name', 'n'],
          columns: { n: 'n', name: 'name', v: 'v' },
        },
      ],
    }).tables[0],
  );
  const rows: Row[] = [
    { name: 'B', n: 10n, v: null },
    { name: 'a', n: 2n, v: 1.5 },
    { name: 'a', n: 10n, v: true },
    { name: 'a', n: 2n ** 60n, v: 'é' },
    { name: 'a', n: 2n ** 60n + 1n, v: 7 },
    { name: 'é', n: 1n, v: '' },
  ];

  beforeEach(async () => {
    await knex.raw('CREATE TABLE pair (n INTEGER, name TEXT, v, PRIMARY KEY (name, n))');
    await change({ upserts: rows.toReversed() }, pairs);
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

  test('null, empty text and the text "null" differ', () => {
    expect(new Set([null, '', 'null'].map((value) => canonicalRow([value]))).size).toBe(3);
    expect(canonicalRow(['a', 'b'])).not.toBe(canonicalRow(['a","b']));
  });
});

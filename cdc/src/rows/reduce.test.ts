import { expect, test } from '@jest/globals';
import { leftOutBy, UNAVAILABLE_VALUE, type FieldValue, type Row } from '@banyan/contracts';
import fc from 'fast-check';
import { compileMapping } from './mapping.ts';
import { reduceChanges, RowRejectedError, type RowChange, type TableChange } from './reduce.ts';

const table = compileMapping({
  source: 'public.t',
  target: 't',
  kind: 'owned',
  key: ['id'],
  columns: { id: 'id', a: 'a', b: 'b' },
});

type Table = Map<FieldValue, Row>;
const emptyTable: Table = new Map();

/** What the events come to one by one; null when one of them leaves a value out that no row has. */
function applyEach(before: Table, changes: readonly RowChange[]): Table | null {
  const rows = new Map(before);
  for (const change of changes) {
    if (change.kind === 'clear') rows.clear();
    else if (change.kind === 'delete') rows.delete(change.key[0] ?? null);
    else {
      const key = change.key[0] ?? null;
      const row = { ...rows.get(key), ...change.row };
      if (!('a' in row && 'b' in row)) return null;
      rows.set(key, row);
    }
  }
  return rows;
}

/** What a store does with a reduced change; null when an update finds no row. */
function applyReduced(before: Table, { clear, deletes, upserts, updates }: TableChange): Table | null {
  const rows = clear ? new Map<FieldValue, Row>() : new Map(before);
  for (const [id] of deletes) rows.delete(id ?? null);
  for (const row of upserts) rows.set(row['id'] ?? null, row);
  for (const row of updates) {
    const earlier = rows.get(row['id'] ?? null);
    if (!earlier) return null;
    rows.set(row['id'] ?? null, { ...earlier, ...row });
  }
  return rows;
}

const id = fc.integer({ min: 1, max: 3 });
const value = fc.oneof(fc.integer({ min: 0, max: 9 }), fc.constant(UNAVAILABLE_VALUE));
const changes = fc.array(
  fc.oneof(
    { weight: 6, arbitrary: fc.record({ id, a: value, b: value }).map(upsert) },
    { weight: 3, arbitrary: id.map((key): RowChange => ({ kind: 'delete', key: [key] })) },
    { weight: 1, arbitrary: fc.constant<RowChange>({ kind: 'clear' }) },
  ),
  { maxLength: 12 },
);

function upsert(row: Row): RowChange {
  return { kind: 'upsert', key: table.forwardKey(row), row: table.forward(row, leftOutBy({})) };
}

test('a batch comes to the same as its events one by one, whatever they are', () => {
  fc.assert(
    fc.property(changes, changes, (earlier, batch) => {
      const before = applyEach(
        new Map(),
        earlier.filter((change) => change.kind !== 'upsert' || Object.keys(change.row).length === 3),
      );
      const wanted = applyEach(before ?? emptyTable, batch);
      let got: Table | null;
      try {
        got = applyReduced(before ?? emptyTable, reduceChanges(batch, table));
      } catch (cause) {
        if (!(cause instanceof RowRejectedError)) throw cause;
        got = null;
      }
      // With a value that nothing holds, a later event of the batch may make up for it: then no row lacks a value.
      if (wanted) expect(got).toEqual(wanted);
      else for (const row of got?.values() ?? []) expect(Object.keys(row)).toHaveLength(3);
    }),
    { numRuns: 2_000 },
  );
});

test('a value that was left out keeps the earlier one of the batch', () => {
  expect(
    reduceChanges([upsert({ id: 1, a: 1, b: 2 }), upsert({ id: 1, a: UNAVAILABLE_VALUE, b: 3 })], table),
  ).toEqual({ clear: false, deletes: [], upserts: [{ id: 1, a: 1, b: 3 }], updates: [] });
});

test('a value that was left out stays out, so that the table keeps its own', () => {
  expect(reduceChanges([upsert({ id: 1, a: UNAVAILABLE_VALUE, b: 3 })], table)).toMatchObject({
    upserts: [],
    updates: [{ id: 1, b: 3 }],
  });
});

test('a row that was deleted and made again is deleted first, so that nothing of the old one stays', () => {
  const result = reduceChanges(
    [upsert({ id: 1, a: 1, b: 1 }), { kind: 'delete', key: [1] }, upsert({ id: 1, a: 2, b: 2 })],
    table,
  );
  expect(result).toMatchObject({ deletes: [[1]], upserts: [{ id: 1, a: 2, b: 2 }] });
});

test('rows stand in the order of their last events', () => {
  const result = reduceChanges(
    [upsert({ id: 1, a: 1, b: 1 }), upsert({ id: 2, a: 1, b: 1 }), upsert({ id: 1, a: 2, b: 1 })],
    table,
  );
  expect(result.upserts.map((row) => row['id'])).toEqual([2, 1]);
});

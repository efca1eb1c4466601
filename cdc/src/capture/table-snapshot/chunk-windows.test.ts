import { expect, test } from '@jest/globals';
import { decoderOf } from '../../rows/field-values.ts';
import { StreamedTransactions, type TransactionSnapshot } from '../postgres/transaction-visibility.ts';
import { ChunkWindows, type Chunk } from './chunk-windows.ts';
import { feedTable, type StreamedTable } from '../wal/feed-table.ts';
import type { RowChange } from '../wal/row-change.ts';
import type { SnapshotWork, Touched } from './snapshot-work.ts';

const [item, other] = ['item', 'other'].map((table, i): StreamedTable => {
  const columns = ['id', 'name'].map((name) => ({
    name,
    decode: decoderOf('text'),
    isCarried: true,
  }));
  const parts = { schema: 'public', table, key: ['id'], columns, partitioned: false };
  return { ...feedTable('shop', parts), oid: i + 1, tellsOldKeys: true, isCarried: true };
});
const work: SnapshotWork = {
  id: 'work',
  open: null,
  plan: () => null,
  rewind: () => undefined,
};

/** A snapshot that sees the transactions below `xmax` but those that run. */
function sees(xmax: number, ...running: number[]): TransactionSnapshot {
  return {
    xmin: BigInt(Math.min(xmax, ...running)),
    xmax: BigInt(xmax),
    running: new Set(running.map(BigInt)),
  };
}

function change(kind: RowChange['kind'], before: string | null, after: string | null): RowChange {
  if (!item) throw new Error('no table');
  return {
    kind,
    table: item,
    lsn: 1n,
    before: before === null ? null : { full: false, tuple: [before, null] },
    after: after === null ? null : [after, 'name'],
  };
}

function setUp(snapshot: TransactionSnapshot | null = sees(100)): {
  windows: ChunkWindows;
  transactions: StreamedTransactions;
  chunk: Chunk;
  taken: Touched[];
} {
  const transactions = new StreamedTransactions();
  const windows = new ChunkWindows(() => transactions);
  const taken: Touched[] = [];
  const content: Chunk['content'] = {
    snapshot,
    prepare: () => Promise.resolve(),
    take: (touched) => {
      taken.push(touched);
      return { records: [], onStored: () => undefined };
    },
    measured: () => undefined,
  };
  const chunk: Chunk = { id: 'a', work, table: 'public.item', content, window: null, highAtMs: 0 };
  windows.open(chunk);
  return { windows, transactions, chunk, taken };
}

test('knows the keys that were touched between the watermarks, old and new ones, and no others', () => {
  const { windows, taken } = setUp();
  windows.note(change('insert', null, 'before'));
  windows.passLow('a');
  windows.note(change('update', '1', '2'));
  windows.note(change('delete', '3', null));
  if (other) windows.note({ ...change('insert', null, 'elsewhere'), table: other });
  expect(windows.passHigh('a')?.outcome).not.toBeNull();
  windows.note(change('insert', null, 'after'));
  expect(taken).toMatchObject([{ truncated: false }]);
  expect([...(taken[0]?.keys ?? [])]).toEqual(['{"id":"1"}', '{"id":"2"}', '{"id":"3"}']);
});

test('knows that the table was emptied', () => {
  const { windows, taken } = setUp();
  windows.passLow('a');
  windows.note(change('truncate', null, null));
  windows.passHigh('a');
  expect(taken).toMatchObject([{ truncated: true }]);
});

test('a chunk that did not see a transaction that was streamed before it is not taken', () => {
  const { windows, transactions, taken } = setUp(sees(100, 90));
  transactions.add(90);
  windows.passLow('a');
  expect(windows.passHigh('a')).toMatchObject({ outcome: null });
  expect(taken).toEqual([]);
});

test('a transaction that is streamed between the watermarks need not be seen', () => {
  const { windows, transactions, taken } = setUp(sees(100, 90));
  windows.passLow('a');
  transactions.add(90);
  windows.passHigh('a');
  expect(taken).toHaveLength(1);
});

test('what became visible meanwhile does not make an older read good', () => {
  const { windows, transactions, taken } = setUp(sees(100, 90));
  transactions.add(90);
  windows.passLow('a');
  transactions.forgetVisible(sees(101)); // a later mark of the stream says so
  windows.passHigh('a');
  expect(taken).toEqual([]);
});

test('a chunk whose low watermark was not met, or that was given up, is not taken', () => {
  const { windows, chunk, taken } = setUp();
  expect(windows.passHigh('a')).toMatchObject({ outcome: null });
  windows.open(chunk);
  windows.drop(work);
  windows.passLow('a');
  expect(windows.passHigh('a')).toBeNull();
  expect(windows.passHigh('of nobody')).toBeNull();
  expect(taken).toEqual([]);
});

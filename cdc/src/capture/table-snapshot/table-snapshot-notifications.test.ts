import { expect, test } from '@jest/globals';
import { tableInWork, TableSnapshotHistory } from './table-snapshot-history.ts';
import { parseNotification, type TableSnapshotNotification } from './table-snapshot-notifications.ts';

type Data = TableSnapshotNotification['additional_data'];

function told(
  id: string,
  type: TableSnapshotNotification['type'],
  data: Partial<Data> = {},
): TableSnapshotNotification {
  return {
    id,
    aggregate_type: 'Incremental Snapshot',
    type,
    additional_data: { connector_name: 'shop', data_collections: 'public.a, public.b', ...data },
    timestamp: 1,
  };
}

function historyOf(...notifications: TableSnapshotNotification[]): TableSnapshotHistory {
  const history = new TableSnapshotHistory();
  for (const notification of notifications) history.apply(notification);
  return history;
}

const inA = told('1', 'IN_PROGRESS', {
  current_collection_in_progress: 'public.a',
  key_columns: '["id"]',
  last_processed_key: '["7"]',
  total_rows_scanned: '10',
  estimated_rows: '20',
});
const aDone = told('1', 'TABLE_SCAN_COMPLETED', {
  scanned_collection: 'public.a',
  status: 'SUCCEEDED',
  total_rows_scanned: '20',
});

test('a table snapshot that was only asked for starts at the beginning, its rows unknown', () => {
  const history = historyOf(told('1', 'STARTED'));
  expect(history.open()).toEqual([{ id: '1', tables: ['public.a', 'public.b'], finished: [], scan: null }]);
  expect(history.progress('public.b')).toEqual({
    id: '1',
    table: 'public.b',
    state: 'requested',
    rowsDone: null,
    rowsEstimated: null,
  });
  expect(history.progress('public.c')).toBeNull();
});

test('one in the middle of a table goes on after the last key', () => {
  const history = historyOf(told('1', 'STARTED'), inA);
  expect(history.open()).toMatchObject([
    { finished: [], scan: { keyColumns: ['id'], lastKey: ['7'], rowsDone: 10, rowsEstimated: 20 } },
  ]);
  expect(history.progress('public.a')).toMatchObject({ state: 'running', rowsDone: 10, rowsEstimated: 20 });
});

test.each(['[B@49f520ed', '7', '["7"'])('a key that Debezium wrote as %s is not gone on from', (text) => {
  const [open] = historyOf(told('1', 'STARTED'), {
    ...inA,
    additional_data: { ...inA.additional_data, last_processed_key: text },
  }).open();
  expect(open).toMatchObject({ scan: { lastKey: [] } });
});

test('one between two tables goes on with the second', () => {
  const history = historyOf(told('1', 'STARTED'), inA, aDone);
  expect(history.open()).toMatchObject([{ finished: ['public.a'], scan: null }]);
  expect(history.open().map(tableInWork)).toEqual(['public.b']);
  expect(history.progress('public.a')).toMatchObject({ state: 'completed', rowsDone: 20 });
  expect(history.progress('public.b')).toMatchObject({ state: 'requested' });
});

test('a completed one is not gone on with, and those that wait keep their order', () => {
  const history = historyOf(
    told('1', 'STARTED'),
    told('2', 'STARTED'),
    told('3', 'STARTED'),
    aDone,
    told('1', 'COMPLETED'),
  );
  expect(history.open().map((one) => one.id)).toEqual(['2', '3']);
});

test('an older snapshot of a table does not hide a newer one', () => {
  const history = historyOf(told('1', 'STARTED'), told('2', 'STARTED'), aDone);
  expect(history.progress('public.a')).toMatchObject({ id: '2', state: 'requested' });
});

test('a newer snapshot of a table does not hide an older one from who asked for that', () => {
  const history = historyOf(told('1', 'STARTED'), aDone, told('2', 'STARTED'), told('1', 'COMPLETED'));
  expect(history.progress('public.a', '1')).toMatchObject({ id: '1', state: 'completed' });
  expect(history.progress('public.a', '2')).toMatchObject({ id: '2', state: 'requested' });
  expect(history.progress('public.a', '3')).toBeNull();
});

test('a table that could not be read has failed', () => {
  const history = historyOf(
    told('1', 'STARTED'),
    told('1', 'TABLE_SCAN_COMPLETED', { scanned_collection: 'public.a', status: 'UNKNOWN_SCHEMA' }),
  );
  expect(history.progress('public.a')).toMatchObject({ state: 'failed' });
});

test.each([
  ['EMPTY', 'completed'],
  ['SQL_EXCEPTION', 'failed'],
])("Debezium's %s is told as %s", (status, state) => {
  const text = JSON.stringify(told('1', 'TABLE_SCAN_COMPLETED', { scanned_collection: 'public.a' })).replace(
    '"scanned_collection"',
    `"status":"${status}","scanned_collection"`,
  );
  const notification = parseNotification(text) as TableSnapshotNotification;
  expect(historyOf(told('1', 'STARTED'), notification).progress('public.a')).toMatchObject({ state });
});

test('a table that was stopped while another one is read leaves that one where it is', () => {
  const stopped = told('1', 'TABLE_SCAN_COMPLETED', { scanned_collection: 'public.b', status: 'STOPPED' });
  const history = historyOf(told('1', 'STARTED'), inA, stopped);
  expect(history.open()).toMatchObject([{ finished: ['public.b'], scan: { lastKey: ['7'] } }]);
  expect(history.open().map(tableInWork)).toEqual(['public.a']);
  expect(history.progress('public.b')).toMatchObject({ state: 'stopped' });
  history.apply(told('1', 'ABORTED'));
  expect(history.open()).toEqual([]);
});

test('records that tell of something else are passed over', () => {
  expect(parseNotification(null)).toBeNull();
  expect(parseNotification('{"aggregate_type":"Initial Snapshot","type":"STARTED","id":"1"}')).toBeNull();
  expect(parseNotification(JSON.stringify(inA))).toEqual(inA);
});

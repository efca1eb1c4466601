import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { StoredRecord } from '../../bus/bus.ts';
import { supersededNotifications } from './superseded-notifications.ts';
import { TableSnapshotHistory } from './table-snapshot-history.ts';
import { notificationText, type TableSnapshotNotification } from './table-snapshot-notifications.ts';

function told(
  id: string,
  type: TableSnapshotNotification['type'],
  data: Partial<TableSnapshotNotification['additional_data']>,
): TableSnapshotNotification {
  return {
    id,
    type,
    aggregate_type: 'Incremental Snapshot',
    timestamp: 1,
    additional_data: { connector_name: 'shop', data_collections: '', ...data },
  };
}

/** What one table snapshot tells, up to a step; chunks of two tables are 0 to 3. */
function story(
  id: string,
  tables: readonly string[],
  chunks: readonly number[],
  steps: number,
): TableSnapshotNotification[] {
  const all = { data_collections: tables.join(', ') };
  return [
    told(id, 'STARTED', all),
    ...tables.flatMap((table, i) => [
      ...Array.from({ length: chunks[i] ?? 0 }, (_, chunk) =>
        told(id, 'IN_PROGRESS', {
          ...all,
          current_collection_in_progress: table,
          key_columns: '["id"]',
          last_processed_key: `["${chunk}"]`,
          total_rows_scanned: String(chunk),
        }),
      ),
      told(id, 'TABLE_SCAN_COMPLETED', {
        ...all,
        scanned_collection: table,
        status: 'SUCCEEDED',
        total_rows_scanned: '9',
      }),
    ]),
    told(id, 'COMPLETED', all),
  ].slice(0, steps);
}

function stored(notifications: readonly TableSnapshotNotification[]): StoredRecord[] {
  return notifications.map((notification, offset) => ({
    topic: 'n',
    partition: 0,
    offset,
    storedAtMs: 1,
    key: null,
    headers: {},
    value: notificationText(notification),
  }));
}

function knowledge(records: readonly StoredRecord[]): unknown {
  const history = new TableSnapshotHistory();
  for (const { value } of records) history.apply(JSON.parse(value ?? '') as TableSnapshotNotification);
  return { open: history.open(), all: [...history.all()].sort((a, b) => (a.table < b.table ? -1 : 1)) };
}

const tables = fc.shuffledSubarray(['public.a', 'public.b', 'public.c'], { minLength: 1 });
const snapshots = fc.array(
  fc.record({
    tables,
    chunks: fc.array(fc.nat(3), { minLength: 3, maxLength: 3 }),
    steps: fc.integer({ min: 1, max: 20 }),
  }),
  { minLength: 1, maxLength: 6 },
);

test('what is kept says the same as all, whatever was asked for and however far it came', () => {
  fc.assert(
    fc.property(snapshots, fc.array(fc.nat(), { maxLength: 60 }), (given, turns) => {
      // Requests overlap: each turn lets one of them say its next sentence.
      const stories = given.map((one, i) => story(String(i), one.tables, one.chunks, one.steps));
      const said: TableSnapshotNotification[] = [];
      for (const turn of [...turns, ...stories.flatMap((sentences, i) => sentences.map(() => i))]) {
        const next = stories[turn % stories.length]?.shift();
        if (next) said.push(next);
      }
      const records = stored(said);
      const gone = supersededNotifications(records);
      const kept = records.filter(({ offset }) => !gone.includes(offset));
      expect(knowledge(kept)).toEqual(knowledge(records));
      // Once more takes nothing more away.
      expect(supersededNotifications(kept)).toEqual([]);
    }),
  );
});

test('of many table snapshots that are done the last 16 of each table are left, without their steps', () => {
  const one = (id: number): TableSnapshotNotification[] =>
    story(String(id), ['public.a', 'public.b'], [3, 3], 99);
  const records = stored(Array.from({ length: 50 }, (_, id) => one(id)).flat());
  const gone = supersededNotifications(records);
  const kept = records.filter(({ offset }) => !gone.includes(offset));
  const types = kept.map(({ value }) => (JSON.parse(value ?? '') as TableSnapshotNotification).type);
  const oneSays = ['STARTED', 'TABLE_SCAN_COMPLETED', 'TABLE_SCAN_COMPLETED', 'COMPLETED'];
  expect(types).toEqual(Array.from({ length: 16 }, () => oneSays).flat());
});

test('what tells of something else is superfluous', () => {
  const other = {
    ...stored([told('1', 'STARTED', { data_collections: 'public.a' })])[0],
    offset: 5,
    value: '{"x":1}',
  };
  expect(supersededNotifications([other as StoredRecord])).toEqual([5]);
});

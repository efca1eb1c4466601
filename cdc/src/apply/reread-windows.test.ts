import { describe, expect, test } from '@jest/globals';
import { controlRecordKey } from '@banyan/contracts';
import type { BusRecord, StoredRecord } from '../bus/bus.ts';
import type { RereadWindow } from './apply-store.ts';
import {
  notesTopic,
  rereadBegun,
  rereadRow,
  rowRecord,
  tombstone,
} from '../../testing/beds/consumer-test-bed.ts';
import { ModelCopy, stored, whole } from '../../testing/beds/reread-test-bed.ts';
import { RereadWindows } from './reread-windows.ts';

/** Applies records one batch each, or all in one, and tells the texts of the rows. */
function textsAfter(
  records: readonly BusRecord[],
  batchRecords: number,
): [ModelCopy, (string | undefined)[]] {
  const copy = new ModelCopy();
  const all = stored(records);
  for (let i = 0; i < all.length; i += batchRecords) copy.apply(all.slice(i, i + batchRecords));
  return [copy, [1, 2].map((id) => copy.rows.get(id))];
}

describe.each([1, 100])('in batches of %d records', (batchRecords) => {
  const read = (id: string, body = 'read', row = 1): BusRecord => rereadRow(id, whole('r', row, body));

  test.each<[string, readonly BusRecord[], (string | undefined)[]]>([
    ['counts when nothing came in between', [rereadBegun('a', 1), read('a')], ['read', undefined]],
    ['counts once', [rereadBegun('a', 1), read('a'), whole('u', 1, 'u'), read('a')], ['u', undefined]],
    ['does not count without a window', [whole('c', 1, 'c'), read('a')], ['c', undefined]],
    [
      'does not count when its row was changed',
      [whole('c', 1, 'c'), rereadBegun('a', 1), whole('u', 1, 'u'), read('a')],
      ['u', undefined],
    ],
    [
      'does not count when its row was read by a table snapshot',
      [rereadBegun('a', 1), whole('r', 1, 'snapshot'), read('a')],
      ['snapshot', undefined],
    ],
    [
      'does not count when its row was deleted',
      [whole('c', 1, 'c'), rereadBegun('a', 1), rowRecord('d', { id: 1 }), tombstone(1), read('a')],
      [undefined, undefined],
    ],
    [
      'does not count when its table was emptied',
      [rereadBegun('a', 1), rowRecord('t', {}), read('a')],
      [undefined, undefined],
    ],
    [
      'does not count when the copy was emptied',
      [
        rereadBegun('a', 1),
        { topic: notesTopic, key: controlRecordKey('reset'), headers: { id: 'x' }, value: null },
        read('a'),
      ],
      [undefined, undefined],
    ],
    [
      'counts though other rows were changed, and a barrier came',
      [
        rereadBegun('a', 1),
        whole('c', 2, 'c'),
        { topic: notesTopic, key: controlRecordKey('barrier'), headers: { id: 'x' }, value: null },
        read('a'),
      ],
      ['read', 'c'],
    ],
    [
      'does not count when it was begun again under another id, which does',
      [rereadBegun('a', 1), rereadBegun('b', 1), read('a', 'older'), read('b', 'newer')],
      ['newer', undefined],
    ],
    [
      'that is gone at the source goes here',
      [whole('c', 1, 'c'), rereadBegun('a', 1), rereadRow('a', rowRecord('d', { id: 1 }))],
      [undefined, undefined],
    ],
  ])('a row that was read again %s', (_what, records, texts) => {
    const [copy, got] = textsAfter(records, batchRecords);
    expect(got).toEqual(texts);
    expect([...copy.windows.keys()]).toEqual([]);
  });
});

describe('windows', () => {
  const begun = (i: number, id = 'a'): StoredRecord => stored([rereadBegun(id, i)], i)[0] as StoredRecord;
  const open = (windows: RereadWindows, i: number, id = 'a'): boolean =>
    windows.take({ id, key: `{"id":${i}}`, isRow: false }, begun(i, id));

  test('left open are kept up to a bound, the oldest go first, and one that is opened again is new', () => {
    const windows = new RereadWindows(new Map());
    for (let i = 0; i < 10_000; i += 1) open(windows, i);
    open(windows, 0, 'again');
    open(windows, 10_000);
    open(windows, 10_001);
    expect(windows.open.size).toBe(10_000);
    expect([0, 1, 2, 3].map((i) => windows.open.get(`{"id":${i}}`)?.id)).toEqual([
      ...['again', undefined, undefined, 'a'],
    ]);
  });

  test('are of their partition: a row that comes on another one does not count', () => {
    const windows = new RereadWindows(new Map());
    open(windows, 1);
    const reread = { id: 'a', key: '{"id":1}', isRow: true };
    expect(windows.take(reread, { ...begun(1), partition: 3 })).toBe(false);
    expect(windows.take(reread, begun(1))).toBe(true);
  });

  test('cost nothing while none is open, nor while records are of other keys', () => {
    const empty = new Map<string, RereadWindow>();
    const none = new RereadWindows(empty);
    none.spoil('{"id":1}');
    none.spoil(null);
    expect(none.open).toBe(empty);
    const some = new RereadWindows(new Map());
    open(some, 1);
    const before = new RereadWindows(some.open);
    before.spoil('{"id":2}');
    expect(before.open).toBe(some.open);
    before.spoil('{"id":1}');
    expect([before.open.size, some.open.size]).toEqual([0, 1]);
  });
});

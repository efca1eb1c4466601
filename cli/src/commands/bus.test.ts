import { expect, test } from '@jest/globals';
import type { BusRecordView } from '@banyan/contracts';
import { busText } from '../output/status-text.ts';
import { recordText } from './bus.ts';

const view: BusRecordView = {
  offset: 17,
  storedAtMs: Date.UTC(2026, 0, 2, 10, 4, 5, 123),
  key: '{"id":5}',
  headers: {},
  kind: 'change',
  op: 'u',
  before: { id: '5', stars: '1' },
  after: { id: '5', stars: '4', title: '***' },
};

test.each<[string, Partial<BusRecordView>, string]>([
  ['a change, with its row as it became', {}, '17  10:04:05.123  u  {"id":5}  id=5 stars=4 title=***'],
  [
    'a delete, with what is known of the row',
    { op: 'd', after: null },
    '17  10:04:05.123  d  {"id":5}  id=5 stars=1',
  ],
  [
    'a barrier, with its id',
    {
      kind: 'control',
      op: null,
      before: null,
      after: null,
      key: '{"banyan":"barrier"}',
      headers: { id: 'x' },
    },
    '17  10:04:05.123  control  {"banyan":"barrier"}  [id: x]',
  ],
  [
    'a record without key or row',
    { kind: 'other', op: null, before: null, after: null, key: null },
    '17  10:04:05.123  other  -',
  ],
])('a line shows %s', (_, change, line) => {
  expect(recordText({ ...view, ...change })).toBe(line);
});

test('the bus’s room is told with its limit and what is wrong, and unknown stays unknown', () => {
  expect(busText({ bytes: 12_000_000, maxBytes: 20_000_000, warning: null })).toBe(
    'bus        holds 12.0 MB of at most 20.0 MB',
  );
  expect(busText({ bytes: null, maxBytes: null, warning: 'it is full' })).toBe(
    'bus        holds unknown: WARNING, it is full',
  );
});

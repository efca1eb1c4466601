import { describe, expect, test } from '@jest/globals';
import { stringifyExactJson, type Row } from '@banyan/contracts';
import type { BusRecord, SourceRecord } from '../../bus/bus.ts';
import { createOutboxRouter } from './outbox-event.ts';

const TOPIC = 'shop.public.outbox';
const route = createOutboxRouter({ prefix: 'shop', table: 'public.outbox' });
const row: Row = {
  id: 'e-1',
  aggregatetype: 'order',
  aggregateid: '17',
  type: 'placed',
  payload: '{"a": 1}',
};

function change(op: string, after: Row | null, parts: Partial<BusRecord> = {}): BusRecord {
  const value = stringifyExactJson({ before: null, after, op });
  return { topic: TOPIC, key: '{"id":"e-1"}', headers: {}, value, ...parts };
}

test.each(['c', 'r'])('a row told as "%s" is an event', (op) => {
  expect(route([change(op, row, { headers: { other: 'kept' } })])).toEqual([
    {
      topic: 'outbox.event.order',
      key: '"17"',
      headers: { other: 'kept', id: 'e-1' },
      value: '"{\\"a\\": 1}"',
    },
  ]);
});

test('an update, a delete, its tombstone and a truncate are none', () => {
  const none = [
    change('u', row),
    change('d', null),
    change('t', null),
    { ...change('d', null), value: null },
  ];
  expect(route(none)).toEqual([]);
});

test('records of other tables stay as they are, in their order', () => {
  const others = [change('u', row, { topic: 'shop.public.outboxes' }), change('c', row, { topic: 'shop.x' })];
  const [first, second] = others;
  const routed = route([first, change('c', row), second].filter((record) => record !== undefined));
  expect(routed.map(({ topic }) => topic)).toEqual(['shop.public.outboxes', 'outbox.event.order', 'shop.x']);
  expect(routed[0]).toBe(first);
});

test('without an outbox nothing is routed', () => {
  const records = [change('c', row)];
  expect(createOutboxRouter({ prefix: 'shop', table: undefined })(records)).toBe(records);
});

describe('values', () => {
  const eventOf = (columns: Row): SourceRecord | undefined => route([change('c', { ...row, ...columns })])[0];

  test('a payload that is null is the JSON null, no tombstone', () => {
    expect(eventOf({ payload: null })?.value).toBe('null');
  });

  test('numbers are exact', () => {
    const large = 9_007_199_254_740_993n;
    expect(eventOf({ id: large, aggregateid: large })).toMatchObject({
      headers: { id: '9007199254740993' },
      key: '9007199254740993',
    });
  });

  test.each(['', 'a b', 'größe', 'two\nlines', 'a/b', 'a.b', 'l'.repeat(237)])(
    'a type that has no topic of its own goes to the one without a type: %j',
    (aggregatetype) => expect(eventOf({ aggregatetype })?.topic).toBe('outbox.event.'),
  );

  test('a type of 236 letters, digits, underscores and dashes has a topic of its own', () => {
    const aggregatetype = `a_C-9${'l'.repeat(231)}`;
    expect(eventOf({ aggregatetype })?.topic).toBe(`outbox.event.${aggregatetype}`);
    expect(eventOf({ aggregatetype })?.topic).toHaveLength(249);
  });

  test('a row that lacks a column is no event that leaves it out', () => {
    const rest = Object.entries(row).filter(([column]) => column !== 'payload');
    expect(() => route([change('c', Object.fromEntries(rest))])).toThrow(
      'public.outbox has a row without the column payload',
    );
  });
});

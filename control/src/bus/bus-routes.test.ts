import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import {
  busGroupsSchema,
  busRecordsSchema,
  busTopicsSchema,
  defineSlice,
  type BusRecords,
  type BusRecordView,
  type Problem,
} from '@banyan/contracts';
import type { StoredRecord } from '../feed/ports.ts';
import { startTestControl, type TestControl } from '../../testing/test-control.ts';

const TOPIC = 'shop.public.people';
const people = defineSlice({
  name: 'reviews',
  title: 'People',
  routes: [{ path: '/people' }],
  tables: [
    {
      source: 'public.people',
      target: 'person',
      kind: 'owned',
      key: ['id'],
      columns: { id: 'id', nick: 'nick', email: 'email', big: 'big' },
      personal: ['email'],
    },
  ],
});

let t: TestControl;
beforeEach(async () => {
  t = await startTestControl({ slices: [people] });
});
afterEach(() => t.close());

function stored(offset: number, record: Partial<StoredRecord>): StoredRecord {
  return {
    topic: TOPIC,
    partition: 0,
    offset,
    key: `{"id":${offset}}`,
    headers: {},
    value: null,
    storedAtMs: 1,
    ...record,
  };
}

const row = `{"id":7,"nick":"kim","email":"kim@private.example","iban":"private 1","big":9007199254740993}`;
const change = stored(7, { value: `{"op":"u","before":null,"after":${row}}` });

async function read(query = ''): Promise<BusRecords> {
  const { status, body } = await t.get(`/v1/bus/records?topic=${TOPIC}${query}`);
  expect([status, body]).toEqual([200, expect.anything()]);
  return busRecordsSchema.parse(body);
}

async function only(record: StoredRecord, query = ''): Promise<BusRecordView> {
  t.feed.onBus.records = [record];
  const { records } = await read(query);
  return records[0] as BusRecordView;
}

describe('what is shown of a record:', () => {
  test('the key and the columns, but no value', async () => {
    expect(await only(change)).toMatchObject({
      offset: 7,
      kind: 'change',
      op: 'u',
      key: '{"id":7}',
      before: null,
      after: { id: '7', nick: '***', email: '***', iban: '***', big: '***' },
    });
  });

  test('with values those that a slice maps and does not call personal, exactly', async () => {
    const { after } = await only(change, '&values=true');
    expect(after).toEqual({ id: '7', nick: 'kim', email: '***', iban: '***', big: '9007199254740993' });
  });

  test('of a table that no slice maps nothing but keys', async () => {
    t.feed.onBus.records = [{ ...change, topic: 'shop.public.other' }];
    const { body } = await t.get<BusRecords>('/v1/bus/records?topic=shop.public.other&values=true');
    expect(body.records[0]?.after).toEqual({ id: '7', nick: '***', email: '***', iban: '***', big: '***' });
  });

  test('a personal column is masked in keys and in headers that hold keys, too', async () => {
    const key = '{"email":"kim@private.example","id":7}';
    const view = await only(
      { ...change, key, headers: { '__debezium.oldkey': key, id: 'x' } },
      '&values=true',
    );
    expect(view.key).toBe('{"email":"***","id":7}');
    expect(view.headers).toEqual({ '__debezium.oldkey': '{"email":"***","id":7}', id: 'x' });
    expect(view.after?.['email']).toBe('***');
  });

  test.each<[string, Partial<StoredRecord>, Partial<BusRecordView>]>([
    ['a tombstone', {}, { kind: 'tombstone', key: '{"id":7}' }],
    [
      'a barrier',
      { key: '{"banyan":"barrier"}', headers: { id: 'x' } },
      { kind: 'control', headers: { id: 'x' } },
    ],
    ['a truncate', { key: null, value: '{"op":"t"}' }, { kind: 'change', op: 't', key: null, after: null }],
    ['another message', { key: null, value: '{"ts_ms":5}' }, { kind: 'other', after: null }],
    ["an outbox's event", { key: '"17"', value: '"{}"' }, { kind: 'other', key: '***', after: null }],
    ['what cannot be read', { key: 'private', value: 'private' }, { kind: 'other', key: '***', after: null }],
  ])('%s is told apart', async (_, record, view) => {
    expect(await only(stored(7, record))).toMatchObject({ op: null, before: null, ...view });
  });
});

describe('reading', () => {
  beforeEach(() => {
    t.feed.onBus.records = Array.from({ length: 40 }, (_, i) => stored(10 + i, { key: `{"id":${i % 4}}` }));
  });
  const offsets = ({ records }: BusRecords): number[] => records.map(({ offset }) => offset);

  test("finds an outbox's events by the key's value, whatever JSON it is", async () => {
    const keysOf = ['"17"', '17', 'null', '{"id":17}'];
    t.feed.onBus.records = keysOf.map((key, i) => stored(10 + i, { key }));
    expect(offsets(await read('&key=17'))).toEqual([10, 11, 13]);
    expect(offsets(await read('&key=null'))).toEqual([12]);
  });

  test('begins with the newest', async () => {
    const answer = await read('&limit=3');
    expect([offsets(answer), answer.nextOffset, answer.ended]).toEqual([[47, 48, 49], 50, true]);
  });

  test('goes on from an offset, and says where to go on', async () => {
    const answer = await read('&limit=2&from=12');
    expect([offsets(answer), answer.nextOffset, answer.ended]).toEqual([[12, 13], 14, false]);
    expect(answer.next_steps).toEqual([`banyan bus read ${TOPIC} --from 14`]);
    expect((await read('&from=50')).records).toEqual([]);
  });

  test.each(['3', encodeURIComponent('{"id":3}')])(
    'finds the records of the key %s from the first on',
    async (key) => {
      const answer = await read(`&limit=2&key=${key}`);
      expect([offsets(answer), answer.nextOffset]).toEqual([[13, 17], 18]);
      expect(offsets(await read(`&limit=99&key=${key}&from=40`))).toEqual([41, 45, 49]);
    },
  );

  test('what is gone, unknown or mistyped is a problem with the next command', async () => {
    const gone = await t.get<Problem>(`/v1/bus/records?topic=${TOPIC}&from=3`);
    expect([gone.status, gone.body.error.code]).toEqual([409, 'offset-gone']);
    expect(gone.body.error.next_steps).toEqual([`banyan bus read ${TOPIC} --from 10`]);
    const unknown = await t.get<Problem>('/v1/bus/records?topic=nope');
    expect([unknown.status, unknown.body.error.evidence]).toEqual([404, [`topics: ${TOPIC}`]]);
    const wrong = await t.get<Problem>(`/v1/bus/records?topic=${TOPIC}&limit=0&from=x`);
    expect([wrong.status, wrong.body.error.evidence.length]).toEqual([400, 2]);
  });
});

describe('topics and groups', () => {
  const lag = { lagRecords: 3, lagBytes: 300 };
  beforeEach(() => {
    t.feed.onBus.records = [change];
    t.feed.onBus.groups = [
      {
        name: 'reviews',
        ...lag,
        lost: true,
        lastSeenAtMs: t.clock.nowMs() - 7_000,
        topics: [{ topic: TOPIC, partition: 0, nextOffset: 1, ...lag, lost: true }],
      },
    ];
  });

  test('are listed with who reads what and how far it is', async () => {
    const topics = busTopicsSchema.parse((await t.get('/v1/bus/topics')).body);
    expect(topics.topics).toEqual([
      { topic: TOPIC, firstOffset: 7, nextOffset: 8, records: 1, bytes: 100, groups: ['reviews'] },
    ]);
    const groups = busGroupsSchema.parse((await t.get('/v1/bus/groups')).body);
    expect(groups.groups).toMatchObject([{ name: 'reviews', seenAgeMs: 7_000, lost: true, ...lag }]);
    expect(groups.next_steps).toEqual(['banyan status']);
  });

  test('the bus’s room is in the status, in the metrics, and warned of', async () => {
    t.feed.onBus.usage = { bytes: 8_500, maxBytes: 10_000, warnBytes: 8_000 };
    await t.control.tick();
    const { body } = await t.get<{ feed: { bus: unknown } }>('/v1/status');
    const warning =
      'the bus is 85 % full: group reviews has not applied 3 records of it; table snapshots wait until there is room';
    t.feed.onBus.groups = t.feed.onBus.groups.map((group) => ({
      ...group,
      topics: group.topics.map((place) => ({ ...place, lost: false })),
    }));
    await t.control.tick();
    expect(body.feed.bus).toMatchObject({ bytes: 8_500, maxBytes: 10_000 });
    expect((await t.get<{ feed: { bus: unknown } }>('/v1/status')).body.feed.bus).toMatchObject({ warning });
    const metrics = await (await fetch(`${t.control.url}/metrics`)).text();
    expect(metrics).toMatch(/^banyan_feed_bus_bytes 8500$/m);
    expect(metrics).toMatch(/^banyan_feed_bus_max_bytes 10000$/m);
  });

  test.each(['topics', 'groups', `records?topic=${TOPIC}`])('/v1/bus/%s is for people only', async (path) => {
    expect((await t.get(`/v1/bus/${path}`, 'wrong')).status).toBe(401);
  });
});

test('a slice that goes back to the monolith lets its group go', async () => {
  const other = await startTestControl();
  await other.toSyncedCopy();
  await other.verb('rollback', { reason: 'enough' });
  await other.tickUntil(() => other.feed.calls.includes('release reviews'));
  await other.close();
});

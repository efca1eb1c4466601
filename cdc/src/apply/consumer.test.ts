import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { controlRecordKey, heartbeatTopic, UNAVAILABLE_VALUE, type Row } from '@banyan/contracts';
import { silentLogger } from '@banyan/kit';
import type { Knex } from 'knex';
import type { Bus, BusRecord } from '../bus/bus.ts';
import { createMemoryBus } from '../../testing/beds/memory-bus.ts';
import { StoreError, type ApplyStore } from './apply-store.ts';
import {
  createFolder,
  note,
  notesSlice,
  notesTopic,
  openNotes,
  rowRecord,
  tombstone,
  until,
  withConsume,
} from '../../testing/beds/consumer-test-bed.ts';
import { startConsumer, type Consumer, type ConsumerBus } from './consumer.ts';
import { createSqliteApplyStore } from './stores/sqlite/sqlite-apply-store.ts';

let folder: Awaited<ReturnType<typeof createFolder>>;
let knex: Knex;
let bus: Bus;
let store: ApplyStore;
let consumer: Consumer | undefined;
let files = 0;
let nowMs = 0;

beforeAll(async () => {
  folder = await createFolder();
});
afterAll(() => folder.remove());
beforeEach(async () => {
  files += 1;
  nowMs = Date.now();
  knex = await openNotes(folder.file(`${files}.sqlite`));
  bus = createMemoryBus();
  store = createSqliteApplyStore({ knex });
});
afterEach(async () => {
  await consumer?.close();
  consumer = undefined;
  await bus.close();
  await knex.destroy();
});

async function start(changes: { bus?: ConsumerBus; store?: ApplyStore } = {}): Promise<Consumer> {
  consumer = await startConsumer({
    slice: notesSlice,
    group: 'notes',
    bus,
    store,
    prefix: 'shop',
    logger: silentLogger,
    clock: () => nowMs,
    ...changes,
  });
  return consumer;
}

function control(kind: 'barrier' | 'reset', id = 'x', topic = notesTopic): BusRecord {
  return { topic, key: controlRecordKey(kind), headers: { id }, value: null };
}

function heartbeat(atMs: number): BusRecord {
  return { topic: heartbeatTopic('shop'), key: null, headers: {}, value: JSON.stringify({ ts_ms: atMs }) };
}

/** Appends the records and waits until they have all been dealt with. */
async function feed(...records: BusRecord[]): Promise<void> {
  const id = `fed ${(await bus.ends([notesTopic]))[0]?.nextOffset}`;
  await bus.append([...records, control('barrier', id)]);
  await until(async () => ((await consumer?.metTopics(id)) ?? []).length > 0, 'the barrier');
}

async function rows(): Promise<Row[]> {
  return await knex.raw<Row[]>('SELECT note_id AS id, headline, text FROM note ORDER BY note_id');
}

async function quarantine(): Promise<{ key: string; reason: string; record_offset: number }[]> {
  return await knex.raw<{ key: string; reason: string; record_offset: number }[]>(
    'SELECT key, reason, record_offset FROM banyan_quarantine ORDER BY record_offset',
  );
}

describe('applying:', () => {
  test('rows are made, changed, deleted and read from a table snapshot', async () => {
    await start();
    await feed(
      rowRecord('r', note(1)),
      rowRecord('c', note(2)),
      rowRecord('u', note(1, { body: 'new' })),
      rowRecord('d', { id: 2 }),
      tombstone(2),
      rowRecord('c', note(3)),
    );
    expect(await rows()).toEqual([
      { id: 1, headline: 'T1', text: 'new' },
      { id: 3, headline: 'T3', text: 'b3' },
    ]);
  });

  test('a changed primary key comes as delete, tombstone and create', async () => {
    await start();
    await feed(rowRecord('c', note(1)));
    await feed(rowRecord('d', { id: 1 }), tombstone(1), rowRecord('c', note(7, { title: 't1' })));
    expect(await rows()).toEqual([{ id: 7, headline: 'T1', text: 'b7' }]);
  });

  test('a value that the WAL left out never becomes null', async () => {
    await start();
    await feed(rowRecord('c', note(1, { body: 'long' })));
    await feed(rowRecord('u', note(1, { title: 'x', body: UNAVAILABLE_VALUE })));
    expect(await rows()).toEqual([{ id: 1, headline: 'X', text: 'long' }]);
  });

  test('truncate and reset empty the table, and what comes after them stays', async () => {
    await start();
    await feed(rowRecord('c', note(1)), rowRecord('t', {}), rowRecord('c', note(2)));
    expect(await rows()).toMatchObject([{ id: 2 }]);
    await feed(rowRecord('c', note(3)), control('reset'), rowRecord('r', note(4)));
    expect(await rows()).toMatchObject([{ id: 4 }]);
    expect(consumer?.report().tables).toMatchObject([{ appliedRows: 1 }]);
  });

  test('two rows may exchange a unique value within a batch', async () => {
    await start();
    await feed(rowRecord('c', note(1, { title: 'a' })), rowRecord('c', note(2, { title: 'b' })));
    await feed(
      rowRecord('u', note(1, { title: 'between' })),
      rowRecord('u', note(2, { title: 'a' })),
      rowRecord('u', note(1, { title: 'b' })),
    );
    expect(await rows()).toMatchObject([{ headline: 'B' }, { headline: 'A' }]);
    expect(await quarantine()).toEqual([]);
  });

  test('after a restart it goes on where it stopped, and applies nothing twice', async () => {
    await (await start()).close();
    await bus.append([rowRecord('c', note(1)), rowRecord('u', note(1, { body: 'x' }))]);
    await start();
    await feed(rowRecord('u', note(1, { body: 'y' })));
    await consumer?.close();
    await start();
    await feed(rowRecord('u', note(1, { body: 'z' })));
    expect(consumer?.report().tables).toMatchObject([{ appliedRows: 4, nextOffset: 6 }]);
  });
});

describe('quarantine:', () => {
  const readable = rowRecord('c', note(1));
  test.each<[string, BusRecord, RegExp]>([
    ['no JSON', { ...readable, value: '{"secret' }, /^the value is not JSON$/],
    ['no envelope', { ...readable, value: '{"op":"x"}' }, /^the value is not an envelope: op: /],
    ['a row without a mapped column', rowRecord('c', { id: 1 }), /has no column "title"$/],
    ['a transform that throws', rowRecord('c', note(1, { title: 'poison' })), /transform of column "title"/],
    ['a broken constraint', rowRecord('c', note(1, { body: null })), /NOT NULL constraint failed: note.text/],
    ['a left-out value of no row', rowRecord('u', note(1, { body: UNAVAILABLE_VALUE })), /no earlier row/],
    ['a barrier without an id', { ...control('barrier'), headers: {} }, /a barrier without an id/],
  ])('%s is kept with its reason, and everything else goes on', async (_, poison, reason) => {
    await start();
    await feed(rowRecord('c', note(8)), poison, rowRecord('c', note(9)));
    expect(await rows()).toMatchObject([{ id: 8 }, { id: 9 }]);
    expect(await quarantine()).toEqual([
      { key: poison.key, record_offset: 1, reason: expect.stringMatching(reason) },
    ]);
    expect(consumer?.report()).toMatchObject({
      state: 'running',
      tables: [{ quarantined: 1, appliedRows: 2 }],
    });
  });

  test('later events of the key queue behind it, in the same batch, later, and after a restart', async () => {
    await start();
    await feed(
      rowRecord('c', note(1)),
      rowRecord('u', note(1, { title: 'poison' })),
      rowRecord('u', note(1, { body: 'second' })),
    );
    await feed(rowRecord('u', note(1, { body: 'third' })), rowRecord('c', note(2)));
    await consumer?.close();
    await start();
    await feed(rowRecord('u', note(1, { body: 'fourth' })), tombstone(1));
    expect(await rows()).toMatchObject([{ id: 1, text: 'b1' }, { id: 2 }]);
    expect((await quarantine()).map(({ reason }) => reason)).toEqual([
      expect.stringContaining('transform'),
      ...Array.from({ length: 3 }, () => 'an earlier event of its key is held'),
    ]);
    expect(consumer?.report().tables).toMatchObject([{ quarantined: 4, appliedRows: 2 }]);
  });

  test('a refused row behind many good ones is found, and they are applied', async () => {
    await start();
    const many = Array.from({ length: 300 }, (_, id) => rowRecord('c', note(id)));
    many[137] = rowRecord('c', note(137, { body: null }));
    many[138] = rowRecord('u', note(137, { body: null, score: 1 }));
    await feed(...many);
    expect(await rows()).toHaveLength(298);
    expect((await quarantine()).map(({ record_offset }) => record_offset)).toEqual([137, 138]);
  });

  test('an event that a later one of its key makes up for within the batch is not held', async () => {
    await start();
    await feed(rowRecord('c', note(1, { body: null })), rowRecord('u', note(1)));
    expect(await rows()).toMatchObject([{ id: 1 }]);
    expect(await quarantine()).toEqual([]);
  });

  test('a reset lets go of what is held', async () => {
    await start();
    await feed(rowRecord('c', note(1, { title: 'poison' })));
    await feed(control('reset'), rowRecord('r', note(1)));
    expect(await rows()).toMatchObject([{ id: 1 }]);
    expect(await quarantine()).toEqual([]);
    expect(consumer?.report().tables).toMatchObject([{ quarantined: 0 }]);
  });
});

describe('the report:', () => {
  test('knows nothing at the start, and says so', async () => {
    const report = (await start()).report();
    expect(report).toMatchObject({ slice: 'notes', group: 'notes', state: 'running', error: null });
    expect(report).toMatchObject({ lag: null, heartbeatAtMs: null, nowMs, startedAtMs: nowMs });
    expect(report.tables).toEqual([
      {
        source: 'public.notes',
        target: 'note',
        topic: notesTopic,
        nextOffset: 0,
        appliedRows: 0,
        quarantined: 0,
        heldKeys: [],
        lost: false,
        endOffset: null,
      },
    ]);
  });

  test('says where the topic ends, and that it was told so', async () => {
    await bus.append([rowRecord('c', note(1)), rowRecord('c', note(2))]);
    await start();
    await until(() => consumer?.report().tables[0]?.endOffset === 2, 'the end');
  });

  test('measures lag from commit to apply, heartbeats included, snapshot rows not', async () => {
    await start();
    await feed(
      rowRecord('r', note(1), { committedAtMs: nowMs - 9_000 }),
      rowRecord('c', note(2), { committedAtMs: nowMs - 12 }),
      heartbeat(nowMs - 15),
      heartbeat(nowMs - 14),
    );
    expect(consumer?.report()).toMatchObject({
      lag: { p50Ms: 14, p99Ms: 15, samples: 3 },
      heartbeatAtMs: nowMs - 14,
    });
  });

  test('an unreadable heartbeat is none', async () => {
    await start();
    await feed({ ...heartbeat(1), value: '{"ts_ms":"soon"}' });
    expect(consumer?.report()).toMatchObject({ heartbeatAtMs: null, lag: null, state: 'running' });
  });

  test('a barrier is met once what came before it is applied, and not known before', async () => {
    await start();
    expect(await consumer?.metTopics('b')).toEqual([]);
    await feed(rowRecord('c', note(1)), control('barrier', 'b'));
    expect(await consumer?.metTopics('b')).toEqual([notesTopic]);
  });

  test('a closed consumer is stopped', async () => {
    const closed = await start();
    await closed.close();
    await closed.close();
    expect(closed.report().state).toBe('stopped');
  });
});

describe('failures:', () => {
  test('while the store fails the consumer says so, and catches up once it works', async () => {
    let broken = true;
    const flaky: ApplyStore = {
      ...store,
      apply: (batch) =>
        broken ? Promise.reject(new StoreError('SQLITE_FULL', 'SQLITE_FULL: disk')) : store.apply(batch),
    };
    await start({ store: flaky });
    await bus.append([rowRecord('c', note(1))]);
    await until(() => consumer?.report().state === 'failed', 'a failure');
    expect(consumer?.report().error).toBe('SQLITE_FULL: disk');
    broken = false;
    await until(() => consumer?.report().state === 'running', 'recovery');
    expect(await rows()).toMatchObject([{ id: 1 }]);
    expect(consumer?.report()).toMatchObject({ error: null, tables: [{ appliedRows: 1 }] });
  });

  test('a failure after the commit does not apply the batch again', async () => {
    let failures = 1;
    const late: ApplyStore = {
      ...store,
      async apply(batch) {
        await store.apply(batch);
        if (failures-- > 0) throw new Error('the answer was lost');
      },
    };
    await start({ store: late });
    await feed(rowRecord('c', note(1)), rowRecord('u', note(1, { body: 'x' })));
    await until(() => consumer?.report().tables[0]?.appliedRows === 2, 'what the store knows');
    await feed(rowRecord('c', note(2)));
    expect(await knex.raw('SELECT writes FROM note')).toEqual([{ writes: 1 }, { writes: 1 }]);
    expect(consumer?.report().tables).toMatchObject([{ appliedRows: 3 }]);
  });

  test('when consuming fails it starts again, and stays failed until something has come through', async () => {
    let failures = 2;
    const flaky = withConsume(bus, (options) =>
      failures-- > 0 ? Promise.reject(new Error('bus is away')) : bus.consume(options),
    );
    await start({ bus: flaky });
    await until(() => failures < 0, 'the third attempt');
    expect(consumer?.report()).toMatchObject({ state: 'failed', error: 'bus is away' });
    await feed(heartbeat(nowMs));
    expect(consumer?.report()).toMatchObject({ state: 'running', error: null });
  });

  test('a bus that cannot be told how far the copy is does not keep it from copying', async () => {
    const deaf = new Proxy(bus, {
      get(target, name) {
        if (name === 'commit') return () => Promise.reject(new Error('the group is busy'));
        const value: unknown = Reflect.get(target, name);
        return typeof value === 'function' ? (value.bind(target) as unknown) : value;
      },
    });
    await start({ bus: deaf });
    await feed(rowRecord('c', note(1)));
    expect(consumer?.report()).toMatchObject({ state: 'running', error: null, tables: [{ appliedRows: 1 }] });
  });

  test('a batch that does not come to an end is a failure', async () => {
    let finish: () => void = () => undefined;
    const stuck: ApplyStore = {
      ...store,
      apply: () => new Promise((resolve) => (finish = resolve)),
    };
    const called = start({ store: stuck });
    await called;
    await bus.append([rowRecord('c', note(1))]);
    await until(() => finish.length === 1 || finish.name !== 'finish', 'the batch');
    expect(consumer?.report().state).toBe('running');
    nowMs += 31_000;
    expect(consumer?.report()).toMatchObject({
      state: 'failed',
      error: 'one batch has been in hand for 31 s',
    });
    finish();
  });

  test('two consumers of one store never apply an event twice', async () => {
    await start();
    const first = consumer;
    await start();
    for (let round = 0; round < 5; round += 1)
      await feed(rowRecord(round ? 'u' : 'c', note(1, { body: `${round}` })));
    await first?.close();
    await consumer?.close();
    await start();
    expect(consumer?.report().tables).toMatchObject([{ appliedRows: 5 }]);
  });
});

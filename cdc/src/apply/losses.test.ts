import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { controlRecordKey, heartbeatTopic } from '@banyan/contracts';
import { silentLogger } from '@banyan/kit';
import type { Knex } from 'knex';
import { createMemoryBus } from '../../testing/beds/memory-bus.ts';
import type { EmbeddedBus } from '../bus/retention/kept-bus.ts';
import {
  createFolder,
  note,
  notesSlice,
  notesTopic,
  openNotes,
  rowRecord,
  until,
} from '../../testing/beds/consumer-test-bed.ts';
import { startConsumer, type Consumer } from './consumer.ts';
import { createSqliteApplyStore } from './stores/sqlite/sqlite-apply-store.ts';

const reset = { topic: notesTopic, key: controlRecordKey('reset'), headers: { id: '1' }, value: null };

let folder: Awaited<ReturnType<typeof createFolder>>;
let knex: Knex;
let bus: EmbeddedBus;
let consumer: Consumer;
let nowMs = 1_000;

beforeEach(async () => {
  folder = await createFolder();
  knex = await openNotes(folder.file('store.sqlite'));
  bus = createMemoryBus();
});
afterEach(async () => {
  await consumer.close();
  await bus.close();
  await knex.destroy();
  await folder.remove();
});

async function start(): Promise<void> {
  consumer = await startConsumer({
    slice: notesSlice,
    group: 'notes',
    prefix: 'shop',
    logger: silentLogger,
    clock: () => nowMs,
    bus,
    store: createSqliteApplyStore({ knex }),
  });
}

async function applied(nextOffset: number): Promise<void> {
  await until(() => (consumer.report().tables[0]?.nextOffset ?? 0) >= nextOffset, `offset ${nextOffset}`);
}

function appendNotes(from: number, to: number): Promise<void> {
  return bus.append(Array.from({ length: to - from }, (_, i) => rowRecord('c', note(from + i))));
}

/** Applies two notes, is switched off, and misses the next three. */
async function missSome(): Promise<void> {
  await start();
  await appendNotes(0, 2);
  await applied(2);
  await consumer.close();
  await appendNotes(2, 5);
  await bus.deleteStep({ topic: notesTopic, before: 5, unreadToo: true });
}

test('a copy whose records were deleted says that it is lost, goes on, and still knows after a restart', async () => {
  await missSome();
  await start();
  await appendNotes(5, 7);
  await applied(7);
  expect(consumer.report()).toMatchObject({ state: 'running', error: null, tables: [{ lost: true }] });
  expect(await knex.raw('SELECT note_id FROM note ORDER BY 1')).toMatchObject(
    [0, 1, 5, 6].map((id) => ({ note_id: id })),
  );
  await consumer.close();
  await start();
  await until(() => consumer.report().tables[0]?.endOffset === 7, 'the start');
  expect(consumer.report().tables).toMatchObject([{ lost: true }]);
});

test('a reset ends being lost, for good', async () => {
  await missSome();
  await start();
  await until(() => consumer.report().tables[0]?.lost === true, 'the loss');
  await bus.append([reset, rowRecord('r', note(9))]);
  await applied(7);
  expect(consumer.report().tables).toMatchObject([{ lost: false }]);
  await consumer.close();
  await start();
  await until(() => consumer.report().tables[0]?.endOffset === 7, 'the start');
  expect(consumer.report().tables).toMatchObject([{ lost: false, appliedRows: 1 }]);
});

test('a copy that loses its records while it reads says so too', async () => {
  await start();
  await appendNotes(0, 1);
  await applied(1);
  // In one turn, so that it cannot read in between.
  void bus.append([rowRecord('c', note(1)), rowRecord('c', note(2))]);
  void bus.deleteStep({ topic: notesTopic, before: 3, unreadToo: true });
  await until(() => consumer.report().tables[0]?.lost === true, 'the loss');
  await appendNotes(3, 4);
  await applied(4);
  expect(consumer.report().state).toBe('running');
});

test('heartbeats that are gone are no loss', async () => {
  const beat = { topic: heartbeatTopic('shop'), key: null, headers: {}, value: '{"ts_ms":1}' };
  await bus.append([beat, beat]);
  await bus.deleteStep({ topic: beat.topic, before: 2 });
  await start();
  await bus.append([beat]);
  await until(() => consumer.report().heartbeatAtMs === 1, 'the heartbeat');
  expect(consumer.report().tables).toMatchObject([{ lost: false }]);
  expect(await knex.raw('SELECT next_offset, lost FROM banyan_position')).toEqual([
    { next_offset: 3, lost: 0 },
  ]);
});

test.each([
  ['longer', 3],
  ['shorter', 1],
])(
  'another bus, %s than the old one, makes the copy lost, and is read from its beginning',
  async (_, records) => {
    await start();
    await appendNotes(0, 2);
    await applied(2);
    await consumer.close();
    await bus.close();
    bus = createMemoryBus();
    await appendNotes(10, 10 + records);
    await start();
    await until(() => consumer.report().tables[0]?.appliedRows === 2 + records, 'all of the new bus');
    expect(consumer.report().tables).toMatchObject([{ lost: true, nextOffset: records }]);
  },
);

test('the bus is told how far the group is: at its start, at most once a second, and at its end', async () => {
  const position = async (): Promise<number | undefined> => (await bus.groups())[0]?.topics[0]?.nextOffset;
  await bus.commit('notes', [{ topic: 'no longer copied', partition: 0, nextOffset: 7 }]);
  await start();
  const topics = async (): Promise<string[]> =>
    ((await bus.groups())[0]?.topics ?? []).map(({ topic }) => topic);
  await until(async () => (await topics()).join() === notesTopic, 'the old topic to be let go');
  await appendNotes(0, 1);
  await until(async () => (await position()) === 1, 'the first report');
  await appendNotes(1, 2);
  await applied(2);
  expect(await position()).toBe(1);
  nowMs += 1_000;
  await appendNotes(2, 3);
  await until(async () => (await position()) === 3, 'the second report');
  await appendNotes(3, 4);
  await applied(4);
  await consumer.close();
  expect(await position()).toBe(4);
});

/** Two slices that copy one table: each copy takes the table snapshots that were taken for it, and no other. */
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { controlRecordKey, type SliceDefinition } from '@banyan/contracts';
import { silentLogger } from '@banyan/kit';
import type { Knex } from 'knex';
import type { Bus, BusRecord } from '../bus/bus.ts';
import { createMemoryBus } from '../../testing/beds/memory-bus.ts';
import {
  createFolder,
  note,
  notesSlice,
  notesTopic,
  openNotes,
  rereadBegun,
  rereadRow,
  rowRecord,
  until,
} from '../../testing/beds/consumer-test-bed.ts';
import { startConsumer, type Consumer } from './consumer.ts';
import { createSqliteApplyStore } from './stores/sqlite/sqlite-apply-store.ts';

interface Copy {
  consumer: Consumer;
  readonly knex: Knex;
  readonly slice: SliceDefinition;
}

const search: SliceDefinition = { ...notesSlice, name: 'search' };
let folder: Awaited<ReturnType<typeof createFolder>>;
let bus: Bus;
let notes: Copy;
let other: Copy;
let files = 0;

beforeAll(async () => {
  folder = await createFolder();
});
afterAll(() => folder.remove());
beforeEach(async () => {
  bus = createMemoryBus();
  [notes, other] = [await open(notesSlice), await open(search)];
});
afterEach(async () => {
  for (const { consumer, knex } of [notes, other]) {
    await consumer.close();
    await knex.destroy();
  }
  await bus.close();
});

async function consume(slice: SliceDefinition, knex: Knex): Promise<Consumer> {
  const store = createSqliteApplyStore({ knex });
  const options = { slice, group: slice.name, bus, store, prefix: 'shop', logger: silentLogger };
  return await startConsumer(options);
}

async function open(slice: SliceDefinition): Promise<Copy> {
  files += 1;
  const knex = await openNotes(folder.file(`${files}.sqlite`));
  return { knex, slice, consumer: await consume(slice, knex) };
}

async function restart(copy: Copy): Promise<void> {
  await copy.consumer.close();
  copy.consumer = await consume(copy.slice, copy.knex);
}

const reset = (slice: string): BusRecord => told('reset', slice);
const filled = (slice: string): BusRecord => told('filled', slice);
function told(kind: 'reset' | 'filled', slice: string): BusRecord {
  return { topic: notesTopic, key: controlRecordKey(kind), headers: { id: '1', slice }, value: null };
}

/** Appends the records and waits until both copies have dealt with them. */
async function feed(...records: BusRecord[]): Promise<void> {
  const id = `fed ${(await bus.ends([notesTopic]))[0]?.nextOffset}`;
  const barrier = { topic: notesTopic, key: controlRecordKey('barrier'), headers: { id }, value: null };
  await bus.append([...records, barrier]);
  for (const { consumer } of [notes, other]) {
    await until(async () => (await consumer.metTopics(id)).length > 0, 'the barrier');
  }
}

async function rows({ knex }: Copy): Promise<string[]> {
  const found = await knex.raw<{ id: number; text: string }[]>(
    'SELECT note_id AS id, text FROM note ORDER BY note_id',
  );
  return found.map(({ id, text }) => `${id} ${text}`);
}

const row = (op: 'c' | 'u' | 'r', id: number, body: string): BusRecord => rowRecord(op, note(id, { body }));
/** What a copy says of its one table. */
const said = ({ consumer }: Copy) => consumer.report().tables[0];

/** The copy of `notes` is whole and streams. */
async function fillNotes(): Promise<void> {
  await feed(reset('notes'), row('r', 1, 'old'), row('r', 2, 'two'), filled('notes'));
}

test('a table snapshot for one slice fills its copy, and leaves the other as it is', async () => {
  await fillNotes();
  await feed(row('u', 1, 'new'), reset('search'));
  expect([await rows(notes), await rows(other)]).toEqual([['1 new', '2 two'], []]);
  // As a reader may tell it that reads beside the log: older than what the topic said before.
  await feed(row('r', 1, 'old'), row('r', 3, 'three'));
  expect(await rows(notes)).toEqual(['1 new', '2 two']);
  expect(await rows(other)).toEqual(['1 old', '3 three']);
  await feed(filled('search'), row('u', 3, 'both'));
  expect(await rows(notes)).toEqual(['1 new', '2 two', '3 both']);
  expect(await rows(other)).toEqual(['1 old', '3 both']);
});

test('a copy that is made anew takes the rows, while the other serves on', async () => {
  await feed(reset('search'), row('r', 1, 'x'), filled('search'));
  await fillNotes();
  await feed(reset('notes'), row('c', 4, 'four'), row('r', 1, 'again'), filled('notes'));
  expect(await rows(notes)).toEqual(['1 again', '4 four']);
  expect(await rows(other)).toEqual(['1 x', '4 four']);
  expect(said(other)).toMatchObject({ appliedRows: 2 });
});

test('which snapshots are not for a copy is known after a restart', async () => {
  await fillNotes();
  await restart(notes);
  await feed(reset('search'), row('r', 1, 'stale'), rowRecord('t', {}), row('r', 5, 'five'));
  expect([await rows(notes), await rows(other)]).toEqual([[], ['5 five']]);
});

test('rows for another copy are held by nobody whom they do not concern', async () => {
  await fillNotes();
  await feed(rowRecord('u', note(1, { title: 'poison' })), reset('search'));
  expect(said(notes)).toMatchObject({ quarantined: 1 });
  // One of a key that is held, one that cannot be mapped, one that the store would refuse.
  await feed(
    rowRecord('r', note(1, { title: 'poison' })),
    rowRecord('r', note(2, { title: 'poison' })),
    rowRecord('r', note(3, { body: null })),
  );
  expect(said(notes)).toMatchObject({ quarantined: 1, heldKeys: [['1']] });
  expect(said(other)).toMatchObject({ quarantined: 3 });
  // The reset of one copy lets go of what that copy holds, and of nothing else.
  await feed(reset('search'));
  expect([said(notes)?.quarantined, said(other)?.quarantined]).toEqual([1, 0]);
});

test('a row that is read again counts in every copy', async () => {
  await fillNotes();
  await feed(reset('search'), row('r', 1, 'old'), filled('search'));
  await feed(rereadBegun('a', 1), rereadRow('a', row('r', 1, 'mended')));
  expect([await rows(notes), await rows(other)]).toEqual([['1 mended', '2 two'], ['1 mended']]);
});

test('a copy that is lost stays so through the reset of another', async () => {
  await notes.consumer.close();
  const lost = { lost: true, filled: true, appliedRows: 2, busId: await bus.id() };
  await createSqliteApplyStore({ knex: notes.knex }).apply({
    tables: [],
    barriers: [],
    releasedTopics: [],
    quarantine: [],
    progress: [{ ...lost, topic: notesTopic, partition: 0, nextOffset: 0, expectedOffset: 0 }],
  });
  notes.consumer = await consume(notes.slice, notes.knex);
  await feed(reset('search'), filled('search'));
  expect([said(notes)?.lost, said(other)?.lost]).toEqual([true, false]);
  await feed(reset('notes'));
  expect(said(notes)?.lost).toBe(false);
});

import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { controlRecordKey, defineSlice, UNAVAILABLE_VALUE, type Row } from '@banyan/contracts';
import { silentLogger } from '@banyan/kit';
import type { Knex } from 'knex';
import type { Bus, BusRecord } from '../../src/bus/bus.ts';
import { createMemoryBus } from '../beds/memory-bus.ts';
import {
  createFolder,
  note,
  notesSlice,
  notesTopic,
  openNotes,
  rereadBegun,
  rereadRow,
  rowRecord,
  tombstone,
  until,
} from '../beds/consumer-test-bed.ts';
import { startConsumer, type Consumer } from '../../src/apply/consumer.ts';
import { createSqliteApplyStore } from '../../src/apply/stores/sqlite/sqlite-apply-store.ts';

const slice = defineSlice({
  ...notesSlice,
  tables: notesSlice.tables.map((table) => ({ ...table, personal: ['body'] })),
});

let folder: Awaited<ReturnType<typeof createFolder>>;
let knex: Knex;
let bus: Bus;
let consumer: Consumer;
let files = 0;

beforeAll(async () => {
  folder = await createFolder();
});
afterAll(() => folder.remove());
beforeEach(async () => {
  files += 1;
  knex = await openNotes(folder.file(`${files}.sqlite`));
  // The service's own rule, which the shop does not have; a test mends it by dropping it.
  await knex.raw(`CREATE TRIGGER no_secrets BEFORE INSERT ON note WHEN new.text LIKE 'bad%'
    BEGIN SELECT raise(ABORT, 'bad text'); END`);
  bus = createMemoryBus();
  consumer = await start();
});
afterEach(async () => {
  await consumer.close();
  await bus.close();
  await knex.destroy();
});

function start(): Promise<Consumer> {
  const store = createSqliteApplyStore({ knex });
  return startConsumer({ slice, group: 'notes', bus, store, prefix: 'shop', logger: silentLogger });
}

async function feed(...records: BusRecord[]): Promise<void> {
  const id = `fed ${(await bus.ends([notesTopic]))[0]?.nextOffset}`;
  const barrier = { topic: notesTopic, key: controlRecordKey('barrier'), headers: { id }, value: null };
  await bus.append([...records, barrier]);
  await until(async () => (await consumer.metTopics(id)).length > 0, 'the barrier');
}

const mend = () => knex.raw('DROP TRIGGER no_secrets');
const rows = () => knex.raw<Row[]>('SELECT note_id AS id, headline, text FROM note ORDER BY note_id');
const queue = (id: number) => ({ table: 'public.notes', key: [String(id)] });
const retryAll = (dryRun = false) => consumer.quarantine.retry({ queue: null, dryRun });

describe('what is held is shown', () => {
  test('with mapped columns, personal ones masked, and others named only', async () => {
    await feed(rowRecord('c', { ...note(1, { body: 'bad secret', tags: ['x'] }), password: 'hush' }));
    await feed(rowRecord('u', note(1, { body: 'later' })));
    const { records, queues } = await consumer.quarantine.list(10);
    expect(records).toBe(2);
    expect(queues).toEqual([
      {
        table: 'public.notes',
        key: ['1'],
        offset: 0,
        waiting: 1,
        rereadSinceMs: null,
        lacksValue: false,
        reason: 'SQLITE_CONSTRAINT: bad text',
        heldSinceMs: expect.any(Number),
        payload: {
          kind: 'row',
          op: 'c',
          columns: { id: '1', title: 't1', body: '***', big: null, done: '0', tags: '["x"]', score: null },
          withheld: ['password'],
        },
      },
    ]);
    expect(JSON.stringify(queues)).not.toMatch(/secret|hush/);
    expect(consumer.report().tables).toMatchObject([{ quarantined: 2, heldKeys: [['1']] }]);
  });

  test('as length and hash, when it is no envelope', async () => {
    await feed({ ...rowRecord('c', note(1)), value: 'secret', key: 'odd' });
    expect((await consumer.quarantine.list(10)).queues).toMatchObject([
      {
        key: null,
        payload: { kind: 'unreadable', chars: 6, sha256: expect.stringMatching(/^[0-9a-f]{64}$/) },
      },
    ]);
  });
});

test('rows that exchange unique values, event by event as the source did, are applied', async () => {
  await knex.raw('CREATE UNIQUE INDEX one_headline ON note (headline)');
  await feed(rowRecord('c', note(1, { title: 'x' })), rowRecord('c', note(2, { title: 'y' })));
  await feed(
    ...[rowRecord('u', note(1, { title: 'between' })), rowRecord('u', note(2, { title: 'x' }))],
    rowRecord('u', note(1, { title: 'y' })),
  );
  expect(await rows()).toMatchObject([{ headline: 'Y' }, { headline: 'X' }]);
  expect(consumer.report().tables).toMatchObject([{ quarantined: 0 }]);
});

describe('retry', () => {
  test('replays a queue in order, once what refused it is mended, and goes on from there', async () => {
    await feed(rowRecord('c', note(1, { body: 'bad' })), rowRecord('c', note(2, { body: 'bad' })));
    await feed(
      rowRecord('u', note(1, { title: 'x', body: UNAVAILABLE_VALUE })),
      rowRecord('u', note(2, { body: 'worse' })),
    );
    expect(await retryAll(true)).toMatchObject({ applied: 1, refused: 1 });
    await mend();
    expect(await retryAll(true)).toMatchObject({ applied: 2, refused: 0 });
    expect(consumer.report().tables).toMatchObject([{ quarantined: 4 }]);
    expect(await rows()).toEqual([]);
    expect(await retryAll()).toEqual({
      applied: 2,
      refused: 0,
      queues: [
        { ...queue(1), records: 2, refusedBecause: null },
        { ...queue(2), records: 2, refusedBecause: null },
      ],
    });
    expect(await rows()).toMatchObject([{ id: 1, headline: 'X', text: 'bad' }, { text: 'worse' }]);
    expect(consumer.report().tables).toMatchObject([{ quarantined: 0, heldKeys: [], appliedRows: 4 }]);
    await feed(rowRecord('u', note(1, { body: 'after' })));
    await consumer.close();
    consumer = await start();
    expect(await rows()).toMatchObject([{ text: 'after' }, { text: 'worse' }]);
    expect(consumer.report().tables).toMatchObject([{ quarantined: 0, appliedRows: 5 }]);
  });

  test('is not needed for a row that is gone: its delete lets go of everything that is held of it', async () => {
    await feed(rowRecord('c', note(1, { body: 'bad' })), rowRecord('u', note(1, { body: 'bad too' })));
    await feed(rowRecord('c', note(2, { body: 'bad' })));
    expect(consumer.report().tables).toMatchObject([{ quarantined: 3 }]);
    await feed(rowRecord('d', { id: 1 }), tombstone(1));
    expect(consumer.report().tables).toMatchObject([{ quarantined: 1, heldKeys: [['2']] }]);
    // Also within one batch, and from then on the key is like any other.
    await feed(rowRecord('u', note(2)), rowRecord('d', { id: 2 }), tombstone(2), rowRecord('c', note(1)));
    expect(consumer.report().tables).toMatchObject([{ quarantined: 0, heldKeys: [] }]);
    expect(await rows()).toMatchObject([{ id: 1, text: 'b1' }]);
    await consumer.close();
    consumer = await start();
    expect(consumer.report().tables).toMatchObject([{ quarantined: 0, heldKeys: [] }]);
  });

  test('of many keys keeps what is refused again, and lets the rest go', async () => {
    const many = Array.from({ length: 60 }, (_, id) => rowRecord('c', note(id, { body: 'bad' })));
    many[41] = rowRecord('c', note(41, { body: null }));
    await feed(...many);
    await mend();
    expect(await retryAll()).toMatchObject({
      applied: 59,
      refused: 1,
      queues: expect.arrayContaining([
        { ...queue(41), records: 1, refusedBecause: expect.stringMatching(/NOT NULL constraint/) },
      ]),
    });
    expect(await rows()).toHaveLength(59);
    expect(consumer.report().tables).toMatchObject([{ quarantined: 1, heldKeys: [['41']] }]);
  });

  test('of one key leaves the others, and of a key that is not held does nothing', async () => {
    await feed(rowRecord('c', note(1, { body: 'bad' })), rowRecord('c', note(2, { body: 'bad' })));
    await mend();
    await consumer.quarantine.retry({ queue: queue(2), dryRun: false });
    await consumer.quarantine.retry({ queue: queue(7), dryRun: false });
    expect(await rows()).toMatchObject([{ id: 2 }]);
  });

  test('between two batches loses neither', async () => {
    await feed(...[1, 2, 3].map((id) => rowRecord('c', note(id, { body: 'bad' }))));
    await mend();
    const updates = Array.from({ length: 2_000 }, (_, i) => rowRecord('u', note(1, { body: `v${i}` })));
    await Promise.all([feed(...updates), retryAll(), retryAll(), retryAll()]);
    await retryAll();
    expect(await rows()).toMatchObject([{ id: 1, text: 'v1999' }, { id: 2 }, { id: 3 }]);
    expect(consumer.report()).toMatchObject({
      state: 'running',
      tables: [{ appliedRows: 2_003, quarantined: 0 }],
    });
  });
});

describe('a row that is read again at the source', () => {
  beforeEach(() =>
    feed(rowRecord('c', note(1, { body: 'bad' })), rowRecord('u', note(1, { body: 'bad too' }))),
  );

  test('lets the queue go when it comes, and events after it are applied', async () => {
    expect(consumer.quarantine.heldOf(queue(1))).toEqual({ records: 2 });
    expect((await consumer.quarantine.list(1)).queues).toMatchObject([{ rereadSinceMs: null }]);
    await feed(rereadBegun('r1', 1));
    expect((await consumer.quarantine.list(1)).queues).toMatchObject([
      { waiting: 1, rereadSinceMs: expect.any(Number) },
    ]);
    await consumer.close();
    consumer = await start();
    expect((await consumer.quarantine.list(1)).queues).toMatchObject([{ rereadSinceMs: expect.any(Number) }]);
    await feed(
      rereadRow('r1', rowRecord('r', note(1, { body: 'good' }))),
      rowRecord('u', note(1, { body: 'better' })),
    );
    expect(await rows()).toMatchObject([{ text: 'better' }]);
    expect(consumer.report().tables).toMatchObject([{ quarantined: 0, heldKeys: [] }]);
  });

  test('and was changed meanwhile lets nothing go, and nobody waits for it any longer', async () => {
    await feed(rereadBegun('r1', 1), rowRecord('u', note(1, { body: 'bad still' })));
    expect((await consumer.quarantine.list(1)).queues).toMatchObject([{ waiting: 2, rereadSinceMs: null }]);
    await feed(rereadRow('r1', rowRecord('r', note(1, { body: 'older' }))));
    expect(await rows()).toEqual([]);
    expect(consumer.quarantine.heldOf(queue(1))).toEqual({ records: 3 });
    await feed(rereadBegun('r2', 1), rereadRow('r2', rowRecord('r', note(1, { body: 'good' }))));
    expect(await rows()).toMatchObject([{ text: 'good' }]);
    expect(consumer.report().tables).toMatchObject([{ quarantined: 0 }]);
  });

  test('and is gone there ends with no row here', async () => {
    await feed(rereadBegun('r1', 1), rereadRow('r1', rowRecord('d', { id: 1 })));
    expect(await rows()).toEqual([]);
    expect(consumer.report().tables).toMatchObject([{ quarantined: 0 }]);
  });

  test('and is refused again stays held, and nobody waits for it any longer', async () => {
    await feed(rereadBegun('r1', 1), rereadRow('r1', rowRecord('r', note(1, { body: 'bad again' }))));
    expect((await consumer.quarantine.list(1)).queues).toMatchObject([
      { key: ['1'], waiting: 2, rereadSinceMs: null },
    ]);
    await mend();
    expect(await retryAll()).toMatchObject({ applied: 1 });
    expect(await rows()).toMatchObject([{ text: 'bad again' }]);
  });

  test('and the poison of a batch are told apart within it', async () => {
    await feed(
      rowRecord('u', note(1, { body: 'bad' })),
      rereadBegun('r1', 1),
      rereadRow('r1', rowRecord('r', note(1, { body: 'good' }))),
      rowRecord('u', note(1, { title: 'poison' })),
      rowRecord('u', note(1, { body: 'behind it' })),
    );
    expect(await rows()).toMatchObject([{ text: 'good' }]);
    const { queues } = await consumer.quarantine.list(5);
    expect(queues).toMatchObject([{ waiting: 1, reason: expect.stringContaining('transform') }]);
  });

  test('without saying which one is held for itself', async () => {
    await feed({ ...rereadBegun('r1', 1), headers: { id: 'r1' } });
    expect((await consumer.quarantine.list(5)).queues).toMatchObject([
      { key: ['1'] },
      { key: null, reason: 'a row read again without id or key' },
    ]);
  });
});

test('a record without a key holds up the gates and nothing else; a reset lets it go', async () => {
  await feed({ ...rowRecord('c', note(1)), key: null, value: '{"op":"x"}' }, rowRecord('c', note(2)));
  expect(await rows()).toMatchObject([{ id: 2 }]);
  expect(consumer.report().tables).toMatchObject([{ quarantined: 1, heldKeys: [] }]);
  expect(await retryAll()).toMatchObject({ applied: 0, refused: 0 });
  expect((await consumer.quarantine.list(5)).queues).toMatchObject([{ key: null, waiting: 0 }]);
  await feed({ topic: notesTopic, key: controlRecordKey('reset'), headers: { id: 'r' }, value: null });
  expect(consumer.report().tables).toMatchObject([{ quarantined: 0 }]);
});

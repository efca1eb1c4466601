/** What breaks the feed is noticed, said, and mended by beginning anew; nothing is silently continued. */
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { tableTopic } from '@banyan/contracts';
import type { SourceLog, SourcePosition } from '../../bus/bus.ts';
import { createMemoryBus } from '../../../testing/beds/memory-bus.ts';
import { tableSnapshotProgress } from '../table-snapshot/table-snapshot-progress.ts';
import {
  caughtUp,
  createTestBed,
  envelopeOf,
  eventually,
  PREFIX,
  readTopic,
  replay,
  type TestBed,
} from '../../../testing/beds/reader-test-bed.ts';
import { startReader, type Reader, type ReaderOptions } from './reader.ts';

const TABLE = 'public.note';
const signal = AbortSignal.timeout(300_000);
let bed: TestBed;
let bus: SourceLog;
const readers: Reader[] = [];

beforeAll(async () => {
  bed = await createTestBed('incarnation');
});
beforeEach(async () => {
  bus = createMemoryBus();
  await bed.sql('CREATE TABLE note (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, body text)');
});
afterEach(async () => {
  for (const reader of readers.splice(0)) await reader.close();
  await dropSlot();
  await bed.sql(`DROP PUBLICATION IF EXISTS ${bed.publication}`);
  await bed.sql('DROP TABLE note');
});
afterAll(() => bed.close());

async function start(options: Partial<ReaderOptions> = {}): Promise<Reader> {
  const reader = await startReader({ ...bed.reader(bus), incarnationGapMs: 0, ...options });
  readers.push(reader);
  return reader;
}

async function stop(): Promise<void> {
  for (const reader of readers.splice(0)) await reader.close();
}

/** Ends whoever reads it, as often as it takes. */
async function dropSlot(): Promise<void> {
  await eventually('the slot is dropped', async () => {
    await bed.sql(
      'SELECT pg_terminate_backend(active_pid, 5000) FROM pg_replication_slots WHERE slot_name = $1 AND active',
      [bed.slot],
    );
    return bed
      .sql('SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE slot_name = $1', [
        bed.slot,
      ])
      .then(
        () => true,
        () => false,
      );
  });
}

async function position(): Promise<SourcePosition> {
  const found = await bus.sourcePosition(bed.slot);
  if (!found) throw new Error('Nothing was stored.');
  return found;
}

async function incarnation(number: number): Promise<SourcePosition> {
  return await eventually(`the feed is in incarnation ${number}`, async () => {
    const found = await position();
    return found.incarnation === number && found.anewReason === null && found;
  });
}

async function bodies(): Promise<unknown[]> {
  return (await readTopic(bus, tableTopic(PREFIX, TABLE))).map(
    (record) => envelopeOf(record)?.after?.['body'],
  );
}

/** What control does in a resync: the table into the feed again, and a new table snapshot. */
async function copyAnew(): Promise<void> {
  await eventually('the table is in the feed', () =>
    bed.source.ensureTables([TABLE], signal).then(
      () => true,
      () => false,
    ),
  );
  const id = await bed.source.requestTableSnapshot([TABLE], signal);
  await eventually('the table snapshot is done', async () =>
    (await tableSnapshotProgress(bus, PREFIX, signal)).some(
      (progress) => progress.id === id && progress.state === 'completed',
    ),
  );
  await caughtUp(bed);
}

interface Break {
  readonly name: string;
  /** Whether the reader is away while it happens. */
  readonly readerIsAway: boolean;
  readonly reason: RegExp;
  readonly happen: () => Promise<unknown>;
}

const dropPublication = (): Promise<unknown> => bed.sql(`DROP PUBLICATION ${bed.publication}`);
const breaks: readonly Break[] = [
  {
    name: 'the slot was dropped while it was read',
    readerIsAway: false,
    reason: /slot \w+ was dropped/,
    happen: dropSlot,
  },
  {
    name: 'the slot was dropped and made again by somebody',
    readerIsAway: true,
    reason: /has confirmed .* only changes up to/,
    happen: async () => {
      await dropSlot();
      await bed.sql(`INSERT INTO note (body) VALUES ('in between')`);
      await bed.sql(`SELECT pg_create_logical_replication_slot($1, 'pgoutput')`, [bed.slot]);
    },
  },
  {
    name: 'somebody else has read the slot',
    readerIsAway: true,
    reason: /has confirmed .* only changes up to/,
    happen: async () => {
      await bed.sql(`INSERT INTO note (body) VALUES ('in between')`);
      await bed.sql('SELECT pg_replication_slot_advance($1, pg_current_wal_insert_lsn())', [bed.slot]);
    },
  },
  {
    name: 'the publication was dropped while it was read',
    readerIsAway: false,
    reason: /publication \w+ was dropped/,
    happen: dropPublication,
  },
  {
    name: 'the publication was dropped and made again by somebody',
    readerIsAway: true,
    reason: /was dropped and made again/,
    happen: async () => {
      await dropPublication();
      await bed.sql(`INSERT INTO note (body) VALUES ('in between')`);
      await bed.sql(`CREATE PUBLICATION ${bed.publication} FOR TABLE banyan.signal, note`);
    },
  },
  {
    name: 'the signal table was taken out of the publication',
    readerIsAway: false,
    reason: /signal was taken out/,
    happen: () => bed.sql(`ALTER PUBLICATION ${bed.publication} DROP TABLE banyan.signal`),
  },
];

test.each(breaks)(
  '$name: a new incarnation says so, and streams on',
  async ({ readerIsAway, reason, happen }) => {
    await start();
    await bed.source.ensureTables([TABLE], signal);
    await bed.sql(`INSERT INTO note (body) VALUES ('before')`);
    await caughtUp(bed);
    if (readerIsAway) await stop();
    await happen();
    if (readerIsAway) await start();

    const begun = await incarnation(2);
    expect(begun.incarnationReason).toMatch(reason);
    await copyAnew();
    await bed.sql(`INSERT INTO note (body) VALUES ('after')`);
    await caughtUp(bed);
    const rows = await bed.sql('SELECT id::int, body FROM note');
    expect(await replay(bus, TABLE)).toEqual(
      new Map(rows.map((row) => [JSON.stringify({ id: row['id'] }), row])),
    );
    expect((await bodies()).filter((body) => body === 'after')).toHaveLength(1);
    // It has begun anew once, and goes on: no loop.
    expect((await position()).incarnation).toBe(2);
    expect(readers[0]?.status()).toMatchObject({ state: 'streaming', problem: null, incarnation: 2 });
  },
);

test('another server under the same URL is a new incarnation', async () => {
  await bus.takeOver(bed.slot, { systemId: '1234', timeline: 1, lsn: 1n });
  await start();
  expect((await incarnation(2)).incarnationReason).toMatch(/another server answers: .* instead of 1234/);
});

test('table snapshots under way are given up by a notification, and not gone on with', async () => {
  await bed.sql(`INSERT INTO note (body) SELECT 'row' FROM generate_series(1, 5000)`);
  // It stays under way for as long as the test wants: after three chunks there is no room.
  const room = Promise.withResolvers<undefined>();
  let asked = 0;
  const whenRoom = (stopped: AbortSignal): Promise<void> => {
    stopped.addEventListener('abort', () => {
      room.resolve(undefined);
    });
    return ++asked <= 3 ? Promise.resolve() : room.promise;
  };
  await start({ chunkRows: 10, whenRoom });
  await bed.source.ensureTables([TABLE], signal);
  const id = await bed.source.requestTableSnapshot([TABLE], signal);
  await eventually('it runs', () => readers[0]?.status().tableSnapshots[0]?.id === id);
  await dropSlot();
  await incarnation(2);
  room.resolve(undefined);
  expect(await tableSnapshotProgress(bus, PREFIX, signal)).toMatchObject([{ id, state: 'stopped' }]);
  await eventually('it streams', () => readers[0]?.status().state === 'streaming');
  expect(readers[0]?.status().tableSnapshots).toEqual([]);
});

test('a break that comes back at once does not make it begin anew again and again', async () => {
  const reader = await start({ incarnationGapMs: 60_000 });
  await dropSlot();
  await incarnation(2);
  await dropSlot();
  await eventually('it waits', () => reader.status().problem?.includes('It waits'));
  expect((await position()).incarnation).toBe(2);
});

test('a slot of another plugin is left alone: the reader stops, and says what to do', async () => {
  await start();
  await stop();
  await dropSlot();
  await bed
    .sql(`SELECT pg_create_logical_replication_slot($1, 'test_decoding')`, [bed.slot])
    .catch(async () => {
      // Binaries without test_decoding: a physical slot is as foreign.
      await bed.sql('SELECT pg_create_physical_replication_slot($1)', [bed.slot]);
    });
  await expect(start()).rejects.toMatchObject({
    code: 'slot-foreign',
    message: expect.stringMatching(/Choose another SLOT_NAME/),
  });
  expect(await bed.sql('SELECT 1 FROM pg_replication_slots WHERE slot_name = $1', [bed.slot])).toHaveLength(
    1,
  );
});

/** A bus that fails, as if killed, at the nth call of one of its functions; what it was to store is stored or not. */
function dyingAt(name: 'takeOver' | 'appendAt', nth: number, isStored: boolean): SourceLog {
  let calls = 0;
  return new Proxy(bus, {
    get(target, property) {
      const value: unknown = Reflect.get(target, property);
      if (typeof value !== 'function') return value;
      const call = value.bind(target) as (...args: unknown[]) => Promise<unknown>;
      if (property !== name) return call;
      return async (...args: unknown[]) => {
        calls += 1;
        if (calls < nth) return await call(...args);
        if (isStored && calls === nth) await call(...args);
        throw new Error('killed'); // and at every later call: a dead one does nothing any more
      };
    },
  });
}

/** Steps of beginning anew; the reader is gone after each, and another one comes. */
test.each([
  ['before it is announced', 'takeOver', 1, false],
  ['announced', 'takeOver', 1, true],
  ['slot dropped, table snapshots not given up', 'appendAt', 1, false],
  ['table snapshots given up, no slot yet', 'appendAt', 1, true],
  ['slot made, not begun', 'takeOver', 2, false],
  ['begun, nothing streamed', 'takeOver', 2, true],
] as const)('gone when %s: the next reader begins it, once', async (_step, name, nth, isStored) => {
  await bed.sql(`INSERT INTO note (body) VALUES ('before')`);
  const first = await start({ heartbeatIntervalMs: 60_000 });
  await bed.source.ensureTables([TABLE], signal);
  await caughtUp(bed);
  await first.close();
  // A table snapshot that is open: there is something to give up.
  await bus.append(openTableSnapshot());
  await dropSlot();
  // Closed at its death: it has no second try.
  const log = dyingAt(name, nth, isStored);
  const dying = await startReader({ ...bed.reader(log), heartbeatIntervalMs: 60_000, incarnationGapMs: 0 });
  await dying.close();
  expect(dying.status().problem).toBe('killed');

  await start();
  const begun = await incarnation(2);
  expect(begun.incarnationReason).toMatch(/slot \w+ was dropped/);
  await copyAnew();
  await bed.sql(`INSERT INTO note (body) VALUES ('after')`);
  await caughtUp(bed);
  expect((await bodies()).filter((body) => body === 'after')).toHaveLength(1);
  expect((await position()).incarnation).toBe(2);
  expect(
    (await tableSnapshotProgress(bus, PREFIX, signal)).filter(({ state }) => state !== 'completed'),
  ).toEqual([]);
});

function openTableSnapshot(): Parameters<SourceLog['append']>[0] {
  const value = JSON.stringify({
    id: 'open',
    aggregate_type: 'Incremental Snapshot',
    type: 'STARTED',
    timestamp: 1,
    additional_data: { connector_name: PREFIX, data_collections: TABLE },
  });
  return [{ topic: `${PREFIX}.notifications`, key: null, headers: {}, value }];
}

test('an announcement is not forgotten, should everything look whole when the next reader comes', async () => {
  await start();
  await caughtUp(bed);
  await stop();
  const { systemId, timeline, lsn } = await position();
  const anew = { step: 'announce', reason: 'the server was restored' } as const;
  await bus.takeOver(bed.slot, { systemId, timeline, lsn, anew });
  await start();
  expect((await incarnation(2)).incarnationReason).toBe('the server was restored');
});

import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { GONE_HEADER, notificationTopic, tableTopic } from '@banyan/contracts';
import { silentLogger } from '@banyan/kit';
import type { SourceLog } from '../../bus/bus.ts';
import { createMemoryBus } from '../../../testing/beds/memory-bus.ts';
import { TypeCatalog } from '../postgres/catalog.ts';
import { SourceDatabase } from '../postgres/source-database.ts';
import { StreamedTransactions } from '../postgres/transaction-visibility.ts';
import { TableSnapshots } from './table-snapshots.ts';
import { followTableSnapshots, tableSnapshotProgress } from './table-snapshot-progress.ts';
import { parseNotification, type TableSnapshotNotification } from './table-snapshot-notifications.ts';
import {
  caughtUp,
  createTestBed,
  envelopeOf,
  eventually,
  PREFIX,
  readTopic,
  replay,
  withAppendAt,
  type TestBed,
} from '../../../testing/beds/reader-test-bed.ts';
import { startReader, type Reader } from '../reader/reader.ts';

let bed: TestBed;
let bus: SourceLog;
let reader: Reader | undefined;
const signal = AbortSignal.timeout(300_000);

beforeAll(async () => {
  bed = await createTestBed('table_snapshots');
});
afterAll(() => bed.close());
beforeEach(async () => {
  bus = createMemoryBus();
  await bed.sql(`
    CREATE TABLE item (shop int, id int, name text, body text, PRIMARY KEY (id, shop));
    ALTER TABLE item ALTER COLUMN body SET STORAGE EXTERNAL;
    CREATE TABLE loose (name text)`);
});
afterEach(async () => {
  await reader?.close();
  await bed.sql('DROP TABLE item, loose');
  await eventually('the slot is dropped', () =>
    bed.sql('SELECT pg_drop_replication_slot($1)', [bed.slot]).then(
      () => true,
      () => false,
    ),
  );
  await bed.sql(`DROP PUBLICATION ${bed.publication}`);
});

async function fill(rows: number): Promise<void> {
  await bed.sql(
    `INSERT INTO item SELECT n % 3, n, 'item ' || n, CASE WHEN n % 50 = 0 THEN repeat('x', 5000) END
     FROM generate_series(1, $1) n`,
    [rows],
  );
}

async function completed(id: string): Promise<void> {
  await eventually(`table snapshot ${id} is completed`, async () => {
    const progress = await tableSnapshotProgress(bus, PREFIX, signal);
    return progress.some((one) => one.id === id && one.state === 'completed');
  });
}

async function notifications(): Promise<readonly TableSnapshotNotification[]> {
  const records = await readTopic(bus, notificationTopic(PREFIX));
  return records.flatMap(({ value }) => {
    const told = parseNotification(value);
    return told?.aggregate_type === 'Incremental Snapshot' ? [told] : [];
  });
}

/** The table as a copy of it should be. */
async function truth(): Promise<Map<string, unknown>> {
  const rows = await bed.sql('SELECT shop, id, name, body FROM item');
  return new Map(rows.map((row) => [JSON.stringify({ id: row['id'], shop: row['shop'] }), row]));
}

test('reads a table chunk by chunk in key order, and tells how far it is', async () => {
  await fill(150);
  await bed.sql('ANALYZE item');
  reader = await startReader({ ...bed.reader(bus), chunkRows: 64 });
  await bed.source.ensureTables(['public.item'], signal);
  const id = await bed.source.requestTableSnapshot(['public.item'], signal);
  await completed(id);
  const records = (await readTopic(bus, tableTopic(PREFIX, 'public.item'))).map(envelopeOf);
  expect(records.map((envelope) => envelope?.after?.['id'])).toEqual(
    Array.from({ length: 150 }, (_, index) => index + 1),
  );
  const told = await notifications();
  expect(told.map((one) => [one.type, one.additional_data.last_processed_key])).toEqual([
    ['STARTED', undefined],
    ['IN_PROGRESS', '["64","1"]'],
    ['IN_PROGRESS', '["128","2"]'],
    ['TABLE_SCAN_COMPLETED', undefined],
    ['COMPLETED', undefined],
  ]);
  expect(await tableSnapshotProgress(bus, PREFIX, signal)).toEqual([
    { id, table: 'public.item', state: 'completed', rowsDone: 150, rowsEstimated: 150 },
  ]);
  expect(await replay(bus, 'public.item')).toEqual(await truth());
});

test('signals are not put on the bus', async () => {
  reader = await startReader(bed.reader(bus));
  await bed.source.ensureTables(['public.item'], signal);
  await completed(await bed.source.requestTableSnapshot(['public.item'], signal));
  expect(await readTopic(bus, tableTopic(PREFIX, 'banyan.signal'))).toEqual([]);
});

test('a table that cannot be read is said to have failed, and the others are read', async () => {
  await fill(10);
  reader = await startReader(bed.reader(bus));
  await bed.source.ensureTables(['public.item'], signal);
  const tables = ['public.missing', 'public.loose', 'public.item'];
  const id = await bed.source.requestTableSnapshot(tables, signal);
  await completed(id);
  const states = (await tableSnapshotProgress(bus, PREFIX, signal)).map(({ table, state }) => [table, state]);
  expect(states).toEqual([
    ['public.missing', 'failed'],
    ['public.loose', 'failed'],
    ['public.item', 'completed'],
  ]);
});

test('a follower knows of progress as it happens', async () => {
  await fill(10);
  reader = await startReader(bed.reader(bus));
  const stop = new AbortController();
  const follower = await followTableSnapshots({ bus, prefix: PREFIX, signal: stop.signal });
  expect(follower.progress('public.item')).toBeNull();
  await bed.source.ensureTables(['public.item'], signal);
  const id = await bed.source.requestTableSnapshot(['public.item'], signal);
  const progress = await eventually('it is completed', () => {
    const now = follower.progress('public.item');
    return now?.state === 'completed' ? now : null;
  });
  expect(progress).toMatchObject({ id, rowsDone: 10 });
  stop.abort();
  await follower.ended;
});

/** Changes of one row at random: insert, update (with and without the long value), key change, delete. */
function randomStatement(random: () => number): string {
  const id = Math.floor(random() * 3_000);
  const name = `changed ${Math.floor(random() * 1e9)}`;
  const kind = random();
  if (kind < 0.3) {
    return `INSERT INTO item VALUES (1, ${id}, '${name}', repeat('y', ${id % 2 ? 4_000 : 10})) ON CONFLICT DO NOTHING`;
  }
  if (kind < 0.7) return `UPDATE item SET name = '${name}' WHERE id = ${id}`;
  if (kind < 0.8) return `UPDATE item SET shop = shop + 10 WHERE id = ${id}`;
  return `DELETE FROM item WHERE id = ${id}`;
}

/** Writers that go on until told to stop. */
function writers(count: number): { stop(): Promise<void> } {
  const stopped = new AbortController();
  const work = Array.from({ length: count }, async (_, seed) => {
    let state = seed * 7_919 + 17;
    const random = (): number => (state = (state * 48_271) % 2_147_483_647) / 2_147_483_647;
    while (!stopped.signal.aborted) {
      const statements = Array.from({ length: 1 + Math.floor(random() * 3) }, () => randomStatement(random));
      await bed.sql(statements.join('; ')).catch((error: unknown) => {
        // Two writers that met in another order: one of them gives way.
        if ((error as { code?: string }).code !== '40P01') throw error;
      });
    }
  });
  return {
    async stop() {
      stopped.abort();
      await Promise.all(work);
    },
  };
}

test('a copy from a table snapshot under random writes equals the table', async () => {
  await fill(3_000);
  reader = await startReader({ ...bed.reader(bus), chunkRows: 100 });
  await bed.source.ensureTables(['public.item'], signal);
  const load = writers(3);
  for (let round = 0; round < 3; round += 1) {
    await completed(await bed.source.requestTableSnapshot(['public.item'], signal));
  }
  await load.stop();
  await caughtUp(bed);
  const reads = (await readTopic(bus, tableTopic(PREFIX, 'public.item'))).map(
    (record) => envelopeOf(record)?.op,
  );
  expect(reads.filter((op) => op === 'r').length).toBeGreaterThan(3_000);
  expect(reads.filter((op) => op === 'u').length).toBeGreaterThan(100);
  expect(await replay(bus, 'public.item')).toEqual(await truth());
});

test('a table snapshot survives lost connections and readers that take over', async () => {
  await fill(3_000);
  reader = await startReader({ ...bed.reader(bus), chunkRows: 50 });
  await bed.source.ensureTables(['public.item'], signal);
  const load = writers(2);
  const first = await bed.source.requestTableSnapshot(['public.item'], signal);
  const second = await bed.source.requestTableSnapshot(['public.item'], signal);
  for (let round = 0; round < 3; round += 1) {
    await eventually(
      'some chunks are stored',
      () => (reader?.status().tableSnapshots[0]?.scan?.rowsDone ?? 0) > 100,
    );
    await bed.sql(
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
       WHERE application_name LIKE 'banyan reader%' AND datname = current_database()`,
    );
  }
  await reader.close();
  reader = await startReader({ ...bed.reader(bus), chunkRows: 500 });
  await completed(second);
  await load.stop();
  await caughtUp(bed);
  const told = await notifications();
  const ends = told.filter((one) => one.type === 'COMPLETED').map((one) => one.id);
  expect(ends).toEqual([first, second]);
  const rows = told
    .filter((one) => one.id === first)
    .map((one) => Number(one.additional_data.total_rows_scanned ?? 0));
  expect(rows.slice(0, -1)).toEqual([...rows.slice(0, -1)].sort((a, b) => a - b));
  expect(await replay(bus, 'public.item')).toEqual(await truth());
});

test('a bus that stores and then fails, at each step of a table snapshot, leaves no step out', async () => {
  await fill(30);
  let failures = 0;
  let isTurn = false;
  const flaky = withAppendAt(bus, (records, move) => {
    if (!records.some((record) => record.topic === notificationTopic(PREFIX))) return null;
    isTurn = !isTurn;
    if (!isTurn) return null;
    failures += 1;
    return bus.appendAt(records, move).then(() => Promise.reject(new Error('connection lost')));
  });
  reader = await startReader({ ...bed.reader(flaky), chunkRows: 10 });
  await bed.source.ensureTables(['public.item'], signal);
  const first = await bed.source.requestTableSnapshot(['public.item'], signal);
  await completed(first);
  await completed(await bed.source.requestTableSnapshot(['public.item'], signal));
  expect(failures).toBeGreaterThanOrEqual(3);
  await eventually('none is left', () => reader?.status().tableSnapshots.length === 0);
  expect(await replay(bus, 'public.item')).toEqual(await truth());
});

test('tables of several snapshots take turns', async () => {
  await fill(400);
  await bed.sql('CREATE TABLE small (id int PRIMARY KEY); INSERT INTO small VALUES (1)');
  reader = await startReader({ ...bed.reader(bus), chunkRows: 10 });
  await bed.source.ensureTables(['public.item', 'public.small'], signal);
  const large = await bed.source.requestTableSnapshot(['public.item'], signal);
  const small = await bed.source.requestTableSnapshot(['public.small'], signal);
  await completed(large);
  const records = await readTopic(bus, notificationTopic(PREFIX));
  const ends = records.flatMap(({ value }) => {
    const told = parseNotification(value);
    return told?.type === 'COMPLETED' ? [told.id] : [];
  });
  expect(ends.at(-1)).toBe(large);
  expect([...ends].sort()).toEqual([large, small].sort());
  await bed.sql('DROP TABLE small');
});

test('a stopped table is read no further, the others are, and all of it survives a take-over', async () => {
  await fill(2_000);
  await bed.sql('CREATE TABLE small (id int PRIMARY KEY); INSERT INTO small VALUES (1)');
  reader = await startReader({ ...bed.reader(bus), chunkRows: 10 });
  await bed.source.ensureTables(['public.item', 'public.small'], signal);
  const id = await bed.source.requestTableSnapshot(['public.item', 'public.small'], signal);
  await eventually('some chunks are stored', () => reader?.status().tableSnapshots[0]?.scan != null);
  await bed.source.stopTableSnapshots(['public.item'], signal);
  await completed(id);
  const states = await tableSnapshotProgress(bus, PREFIX, signal);
  expect(states.map(({ table, state }) => [table, state])).toEqual([
    ['public.item', 'stopped'],
    ['public.small', 'completed'],
  ]);
  const reads = await readTopic(bus, tableTopic(PREFIX, 'public.item'));
  expect(reads.length).toBeGreaterThan(0);
  expect(reads.length).toBeLessThan(2_000);

  const second = await bed.source.requestTableSnapshot(['public.item'], signal);
  await eventually('it is read', () => reader?.status().tableSnapshots[0]?.id === second);
  await bed.sql(`INSERT INTO banyan.signal VALUES ('all', 'stop-snapshot', NULL)`);
  await eventually('none is left', () => reader?.status().tableSnapshots.length === 0);
  expect((await notifications()).at(-1)).toMatchObject({ id: second, type: 'ABORTED' });
  await reader.close();
  reader = await startReader(bed.reader(bus));
  expect(reader.status().tableSnapshots).toEqual([]);
  await bed.sql('DROP TABLE small');
});

test('an update whose long value was deleted before it could be read again says that the row is gone', async () => {
  reader = await startReader(bed.reader(bus));
  await bed.source.ensureTables(['public.item'], signal);
  await reader.close();
  await bed.sql(`INSERT INTO item VALUES (1, 1, 'a', repeat('x', 5000)), (1, 2, 'b', repeat('x', 5000))`);
  await bed.sql(`UPDATE item SET name = 'c'`);
  await bed.sql('DELETE FROM item WHERE id = 1');
  reader = await startReader(bed.reader(bus));
  await caughtUp(bed);
  const records = await readTopic(bus, tableTopic(PREFIX, 'public.item'));
  const updates = records.filter((record) => envelopeOf(record)?.op === 'u');
  expect(updates.map(({ key, headers }) => [key, headers[GONE_HEADER] ?? null])).toEqual([
    ['{"id":1,"shop":1}', 'true'],
    ['{"id":2,"shop":1}', null],
  ]);
});

test('while the stream or the bus has no room, no chunk is begun', async () => {
  let backlogBytes = 101;
  let looks = 0;
  let waits = 0;
  const room = Promise.withResolvers<undefined>();
  const asked: string[] = [];
  const database = new SourceDatabase({ url: bed.url, name: 'test' });
  const onConnection = database.onConnection.bind(database);
  database.onConnection = (work, aborted) =>
    onConnection((ask) => {
      return work((sql, values) => {
        asked.push(`${sql} ${JSON.stringify(values ?? [])}`);
        return ask(sql, values);
      });
    }, aborted);
  const snapshots = new TableSnapshots({
    database,
    types: new TypeCatalog(),
    publication: 'none',
    logger: silentLogger,
    maxBacklogBytes: 100,
    context: () => ({ prefix: PREFIX, database: 'd' }),
    transactions: () => new StreamedTransactions(),
    whenRoom: () => {
      waits += 1;
      return room.promise;
    },
    backlogBytes: () => {
      looks += 1;
      return backlogBytes;
    },
  });
  const stop = new AbortController();
  const running = snapshots.run(stop.signal);
  snapshots.onSignal({ kind: 'table-snapshot', id: '1', tables: ['public.item'] }).onStored();
  await eventually('it has looked again and again', () => looks > 5);
  expect(asked).toEqual([]);
  // The stream has room, the bus has none: the same.
  backlogBytes = 100;
  await eventually('it waits for the bus', () => waits > 0);
  expect(asked.some((sql) => sql.includes('"item"'))).toBe(false);
  room.resolve(undefined);
  await eventually('the table is read', () => asked.some((sql) => sql.includes('"item"')));
  stop.abort();
  await running;
  await database.close();
  // This one made no reader: the others' clean-up wants its slot and publication.
  reader = await startReader(bed.reader(bus));
});

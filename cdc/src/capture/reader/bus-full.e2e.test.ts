import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { tableTopic } from '@banyan/contracts';
import { silentLogger } from '@banyan/kit';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startBusKeeper } from '../../bus/retention/bus-keeper.ts';
import type { EmbeddedBus } from '../../bus/retention/kept-bus.ts';
import { createRetention } from '../../bus/retention/retention.ts';
import { openSqliteBus } from '../../bus/sqlite/sqlite-bus.ts';
import { tableSnapshotProgress } from '../table-snapshot/table-snapshot-progress.ts';
import {
  caughtUp,
  createTestBed,
  eventually,
  PREFIX,
  type TestBed,
} from '../../../testing/beds/reader-test-bed.ts';
import { startReader, type Reader } from './reader.ts';

const TABLE = 'public.notes';
const TOPIC = tableTopic(PREFIX, TABLE);
const MAX_BYTES = 4 * 1024 * 1024;

let bed: TestBed;
let folder: string;
let bus: EmbeddedBus;
let reader: Reader | undefined;

beforeAll(async () => {
  bed = await createTestBed('bus_full');
  await bed.sql('CREATE TABLE notes (id int PRIMARY KEY, body text)');
});
afterAll(async () => {
  await bed.close();
});
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'banyan-full-'));
  bus = await openSqliteBus({ file: join(folder, 'bus.sqlite') });
});
afterEach(async () => {
  await reader?.close();
  reader = undefined;
  await eventually('the slot is free', async () => {
    const { exists, active } = await bed.source.slotStatus(AbortSignal.timeout(5_000));
    return exists && !active;
  });
  await bed.sql('SELECT pg_drop_replication_slot($1)', [bed.slot]);
  await bed.sql(`DROP PUBLICATION ${bed.publication}`);
  await bus.close();
  await rm(folder, { recursive: true });
});

/** One transaction a row, of about 40 kB. */
async function write(from: number, to: number): Promise<void> {
  for (let id = from; id < to; id += 1) {
    await bed.sql(
      `INSERT INTO notes VALUES ($1, (SELECT string_agg(md5(i::text), '') FROM generate_series(1, 1250) i))`,
      [id],
    );
  }
}

/** Reads on like a service that has applied what it read, and lets it be deleted. @returns ids in their order. */
async function apply(from: number): Promise<{ ids: number[]; next: number }> {
  const records = await bus.read({ topic: TOPIC, partition: 0, nextOffset: from }, 1_000);
  const next = (records.at(-1)?.offset ?? from - 1) + 1;
  await bus.commit('notes', [{ topic: TOPIC, partition: 0, nextOffset: next }]);
  while ((await bus.deleteStep({ topic: TOPIC, before: next })) > 0);
  return { ids: records.map(({ key }) => Number(/\d+/.exec(key ?? '')?.[0])), next };
}

test('a full bus holds the feed back in the WAL, says so, and nothing is lost or doubled once there is room', async () => {
  await bus.setLimits({ maxBytes: MAX_BYTES, warnBytes: MAX_BYTES / 2 });
  await bus.commit('notes', [{ topic: TOPIC, partition: 0, nextOffset: 0 }]);
  reader = await startReader(bed.reader(bus));
  await bed.source.ensureTables([TABLE], AbortSignal.timeout(20_000));
  await write(0, 150);
  await eventually('the reader says that there is no room', () =>
    reader?.status().problem?.includes('no room'),
  );
  const held = await bed.source.slotStatus(AbortSignal.timeout(5_000));
  expect(held.retainedWalBytes).toBeGreaterThan(1_000_000);
  expect(reader.status().state).not.toBe('stopped');

  const ids: number[] = [];
  let next = 0;
  await eventually('all rows', async () => {
    const read = await apply(next);
    ids.push(...read.ids);
    next = read.next;
    return ids.length >= 150;
  });
  await caughtUp(bed);
  expect([...ids, ...(await apply(next)).ids]).toEqual(Array.from({ length: 150 }, (_, id) => id));
  expect(reader.status()).toMatchObject({ state: 'streaming', problem: null });
});

test('a table snapshot waits while the bus is above its threshold, and is finished when there is room', async () => {
  const keeper = await startBusKeeper({
    bus,
    retention: createRetention({ appliedMs: 0, others: {} }),
    logger: silentLogger,
    intervalMs: 5,
    maxBytes: MAX_BYTES,
    warnBytes: MAX_BYTES / 2,
  });
  await bus.commit('notes', [{ topic: TOPIC, partition: 0, nextOffset: 0 }]);
  let waiting = 0;
  const whenRoom = async (signal: AbortSignal): Promise<void> => {
    waiting += 1;
    await keeper.whenRoom(signal);
    waiting -= 1;
  };
  reader = await startReader({ ...bed.reader(bus), chunkRows: 5, whenRoom });
  const signal = AbortSignal.timeout(60_000);
  await bed.source.ensureTables([TABLE], signal);
  await bed.source.requestTableSnapshot([TABLE], signal);
  const level = async (): Promise<number> => (await bus.usage()).bytes ?? 0;
  const isWaiting = async (): Promise<boolean> => (await level()) > MAX_BYTES / 2 && waiting === 1;
  await eventually('the table snapshot waits', isWaiting);
  await caughtUp(bed);
  // The chunk in hand, and no more: 150 rows would be 6 MB.
  expect(await level()).toBeLessThan(MAX_BYTES * 0.75);
  expect(await isWaiting()).toBe(true);
  expect(await bus.groups()).toMatchObject([{ lost: false }]);

  const seen = new Set<number>();
  let next = 0;
  await eventually('the end of the table snapshot', async () => {
    const read = await apply(next);
    for (const id of read.ids) seen.add(id);
    next = read.next;
    return (await tableSnapshotProgress(bus, PREFIX, signal))[0]?.state === 'completed';
  });
  for (const id of (await apply(next)).ids) seen.add(id);
  expect(seen.size).toBe(150);
  await keeper.close();
});

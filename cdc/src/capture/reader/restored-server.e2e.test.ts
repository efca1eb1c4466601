/** A server that is put back, promoted, or that drops the slot's WAL, for real: its data directory is copied and restored. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { startCluster, type RunningCluster } from '@banyan/postgres';
import { execFile } from 'node:child_process';
import { chownSync, statSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { createMemoryBus } from '../../../testing/beds/memory-bus.ts';
import { tableSnapshotProgress } from '../table-snapshot/table-snapshot-progress.ts';
import {
  caughtUp,
  createTestBed,
  eventually,
  PREFIX,
  replay,
  type TestBed,
} from '../../../testing/beds/reader-test-bed.ts';
import { startReader, type Reader } from './reader.ts';

const run = promisify(execFile);
const TABLE = 'public.note';
const signal = AbortSignal.timeout(300_000);
const bus = createMemoryBus();
let dir: string;
let cluster: RunningCluster;
let bed: TestBed;
let reader: Reader;

let data: string;
const backup = (): string => join(dir, 'backup');

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'banyan-restored-'));
  cluster = await startCluster({ dir, settings: { fsync: 'off' } });
  bed = await createTestBed('restored', cluster.adminUrl);
  data = String((await bed.sql('SHOW data_directory'))[0]?.['data_directory']);
  await bed.sql('CREATE TABLE note (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, body text)');
  reader = await start();
  await bed.source.ensureTables([TABLE], signal);
  await bed.sql(`INSERT INTO note (body) VALUES ('first')`);
  await caughtUp(bed);
}, 180_000);
afterAll(async () => {
  await reader.close();
  await bed.close();
  await cluster.close();
  await rm(dir, { recursive: true, force: true });
});

/** Heartbeats are rare, so that a restored log does not run past the stored position by them alone. */
function start(): Promise<Reader> {
  return startReader({ ...bed.reader(bus), heartbeatIntervalMs: 300, incarnationGapMs: 0 });
}

async function serve(settings: Readonly<Record<string, string>> = {}): Promise<void> {
  const { port } = cluster;
  cluster = await eventually('the server is up', () =>
    startCluster({ dir, port, settings: { fsync: 'off', ...settings } }).catch(() => null),
  );
}

/** A backup as a careful person takes one: of a server that is down, slots and all. */
async function takeBackup(): Promise<void> {
  await cluster.close();
  await rm(backup(), { recursive: true, force: true });
  await run('cp', ['-a', data, backup()]);
  await serve();
}

/** Leaves the server down. */
async function restore(): Promise<void> {
  await cluster.close();
  await rm(data, { recursive: true });
  await run('cp', ['-a', backup(), data]);
}

/** Waits for the incarnation, makes the copy anew as control does, and compares it with the table. */
async function expectAnew(incarnation: number, reason: RegExp): Promise<void> {
  await eventually(
    `the feed is in incarnation ${incarnation}`,
    async () => (await bus.sourcePosition(bed.slot))?.incarnation === incarnation,
  );
  expect((await bus.sourcePosition(bed.slot))?.incarnationReason).toMatch(reason);
  await eventually('the table is in the feed', () =>
    bed.source.ensureTables([TABLE], signal).then(
      () => true,
      () => false,
    ),
  );
  // What control's reset record does to the copies: what was there before does not count.
  const { length: before } = [...(await replay(bus, TABLE)).keys()];
  expect(before).toBeGreaterThan(0);
  const id = await bed.source.requestTableSnapshot([TABLE], signal);
  await eventually('the table snapshot is done', async () =>
    (await tableSnapshotProgress(bus, PREFIX, signal)).some(
      (one) => one.id === id && one.state === 'completed',
    ),
  );
  await bed.sql(`INSERT INTO note (body) VALUES ('after ${incarnation}')`);
  await caughtUp(bed);
  const copy = await replay(bus, TABLE);
  for (const row of await bed.sql('SELECT id::int, body FROM note')) {
    expect(copy.get(JSON.stringify({ id: row['id'] }))).toEqual(row);
  }
  expect(await bus.sourcePosition(bed.slot)).toMatchObject({ incarnation, anewReason: null });
  expect(reader.status()).toMatchObject({ state: 'streaming', problem: null });
}

test('a server killed between storing and confirming, again and again, is the same feed', async () => {
  for (let round = 0; round < 2; round += 1) {
    await bed.sql(`INSERT INTO note (body) VALUES ('round ${round}')`);
    process.kill(cluster.pid, 'SIGKILL');
    await cluster.close();
    await serve();
    await bed.sql(`INSERT INTO note (body) VALUES ('after round ${round}')`);
    await caughtUp(bed);
  }
  expect(await bus.sourcePosition(bed.slot)).toMatchObject({ incarnation: 1 });
  expect((await replay(bus, TABLE)).size).toBe(5);
}, 180_000);

test('a server restored to an earlier moment, whose log is shorter than what was read', async () => {
  await takeBackup();
  await bed.sql(`INSERT INTO note (body) SELECT repeat('gone', 50) FROM generate_series(1, 5000)`);
  await caughtUp(bed);
  await restore();
  await serve();
  await expectAnew(2, /restored to an earlier moment/);
}, 180_000);

test('a server restored to an earlier moment, and written to beyond what was read, on the same timeline', async () => {
  await takeBackup();
  await bed.sql(`INSERT INTO note (body) VALUES ('gone too')`);
  await caughtUp(bed);
  await reader.close();
  const stored = await bus.sourcePosition(bed.slot);
  await restore();
  await serve();
  await bed.sql(`INSERT INTO note (body) SELECT repeat('another history', 50) FROM generate_series(1, 3000)`);
  const rows = await bed.sql(
    `SELECT pg_current_wal_lsn() > $2::pg_lsn AS beyond, confirmed_flush_lsn < $2::pg_lsn AS behind
     FROM pg_replication_slots WHERE slot_name = $1`,
    [
      bed.slot,
      `${((stored?.lsn ?? 0n) >> 32n).toString(16)}/${((stored?.lsn ?? 0n) & 0xffffffffn).toString(16)}`,
    ],
  );
  expect(rows).toEqual([{ beyond: true, behind: true }]); // nothing but the content tells them apart
  reader = await start();
  await expectAnew(3, /another than the one that was read/);
}, 180_000);

test('a standby that was promoted: another timeline', async () => {
  await cluster.close();
  const file = join(data, 'standby.signal');
  await writeFile(file, '');
  const { uid, gid } = statSync(data);
  chownSync(file, uid, gid);
  await serve();
  // While it is a standby, the reader waits and touches nothing.
  await eventually('it waits', () => reader.status().problem?.includes('standby'));
  expect(await bus.sourcePosition(bed.slot)).toMatchObject({ incarnation: 3, anewReason: null });
  await bed.sql('SELECT pg_promote()');
  await expectAnew(4, /timeline 2 instead of 1/);
}, 180_000);

test('a slot whose WAL the server has dropped', async () => {
  await reader.close();
  await cluster.close();
  await serve({ max_slot_wal_keep_size: '1MB' });
  await eventually('the slot is lost', async () => {
    await bed.sql(`INSERT INTO note (body) SELECT repeat('x', 100) FROM generate_series(1, 1000)`);
    await bed.sql('SELECT pg_switch_wal()');
    await bed.sql('CHECKPOINT');
    const { walStatus } = await bed.source.slotStatus(signal);
    return walStatus === 'lost';
  });
  reader = await start();
  await expectAnew(5, /has dropped log that the replication slot \w+ needed \(wal_removed\)/);
}, 180_000);

test('a slot that nobody read for longer than the server allows', async () => {
  const supported = await bed.sql(`SELECT 1 FROM pg_settings WHERE name = 'idle_replication_slot_timeout'`);
  if (supported.length === 0) return; // PostgreSQL before 18
  await reader.close();
  await cluster.close();
  await serve({ idle_replication_slot_timeout: '1s' });
  await eventually('the slot is lost', async () => {
    await bed.sql('CHECKPOINT');
    return (await bed.source.slotStatus(signal)).walStatus === 'lost';
  });
  reader = await start();
  await expectAnew(6, /has dropped log that the replication slot \w+ needed \(idle_timeout\)/);
  // A bus that is new has no position: nothing can be missing, and the slot of the earlier one is of no use.
  await reader.close();
  await eventually('the slot is lost again', async () => {
    await bed.sql('CHECKPOINT');
    return (await bed.source.slotStatus(signal)).walStatus === 'lost';
  });
  const another = createMemoryBus();
  reader = await startReader({ ...bed.reader(another), heartbeatIntervalMs: 300 });
  await eventually('it streams', () => reader.status().state === 'streaming');
  expect(await another.sourcePosition(bed.slot)).toMatchObject({ incarnation: 1 });
}, 180_000);

test('a server whose log does not carry rows: the reader stops, and says how to mend that', async () => {
  await reader.close();
  await eventually('the slot is dropped', () =>
    bed.sql('SELECT pg_drop_replication_slot($1)', [bed.slot]).then(
      () => true,
      () => false,
    ),
  );
  await cluster.close();
  await serve({ wal_level: 'replica' });
  await expect(start()).rejects.toMatchObject({
    code: 'wal-level-wrong',
    message: expect.stringMatching(/is replica, wanted logical.*ALTER SYSTEM SET wal_level = logical/s),
  });
}, 180_000);

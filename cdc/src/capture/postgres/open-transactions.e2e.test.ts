/** A table snapshot that waits for transactions of others: of another database, and prepared ones. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { startCluster, type RunningCluster } from '@banyan/postgres';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { createMemoryBus } from '../../../testing/beds/memory-bus.ts';
import { createTestBed, eventually, PREFIX, type TestBed } from '../../../testing/beds/reader-test-bed.ts';
import { startReader, type Reader } from '../reader/reader.ts';
import { createPostgresSource } from '../feed/postgres-source.ts';
import { tableSnapshotProgress } from '../table-snapshot/table-snapshot-progress.ts';

let dir: string;
let cluster: RunningCluster;
let bed: TestBed;
let reader: Reader | null = null;
let elsewhere: pg.Client;
const bus = createMemoryBus();
const signal = AbortSignal.timeout(300_000);

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'banyan-open-'));
  cluster = await startCluster({ dir, settings: { fsync: 'off', max_prepared_transactions: '4' } });
  bed = await createTestBed('open_transactions', cluster.adminUrl);
  await bed.sql('CREATE DATABASE crm');
  elsewhere = new pg.Client({
    connectionString: new URL('/crm', cluster.adminUrl).href,
    application_name: 'nightly',
  });
  await elsewhere.connect();
  await bed.sql('CREATE TABLE notes (id int PRIMARY KEY); INSERT INTO notes VALUES (1)');
}, 180_000);
afterAll(async () => {
  await elsewhere.end();
  await reader?.close();
  await bed.close();
  await cluster.close();
  await rm(dir, { recursive: true, force: true });
});

const isCompleted = async (id: string): Promise<boolean> =>
  (await tableSnapshotProgress(bus, PREFIX, signal)).some(
    (one) => one.id === id && one.state === 'completed',
  );

test('they are told while it waits, and it goes on when they have ended', async () => {
  // The slot and everything else is there; a reader that takes over has to take into account what is open.
  reader = await startReader(bed.reader(bus));
  await bed.source.ensureTables(['public.notes'], signal);
  await reader.close();
  await elsewhere.query('CREATE TABLE jobs (id int)');
  await elsewhere.query("BEGIN; INSERT INTO jobs VALUES (1); PREPARE TRANSACTION 'it''s open'");
  await elsewhere.query('BEGIN; INSERT INTO jobs VALUES (2)');
  const { rows } = await elsewhere.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
  reader = await startReader(bed.reader(bus));
  const id = await bed.source.requestTableSnapshot(['public.notes'], signal);
  await eventually('it is open', () => reader?.status().tableSnapshots.some((one) => one.id === id));
  const open = await bed.source.openTransactions(signal);
  expect(open).toMatchObject([
    { pid: null, prepared: "it's open", database: 'crm', queryAgeMs: null },
    {
      pid: rows[0]?.pid,
      prepared: null,
      database: 'crm',
      application: 'nightly',
      state: 'idle in transaction',
    },
  ]);
  expect(open.every(({ ageMs }) => ageMs !== null && ageMs >= 0)).toBe(true);
  expect(open[1]?.queryAgeMs).toBeGreaterThanOrEqual(0);
  await elsewhere.query('COMMIT');
  expect(await isCompleted(id)).toBe(false);
  expect(await bed.source.openTransactions(signal)).toMatchObject([{ prepared: "it's open" }]);
  await elsewhere.query("COMMIT PREPARED 'it''s open'");
  await eventually('it is completed', () => isCompleted(id));
  expect(await bed.source.openTransactions(signal)).toEqual([]);
});

test('a role that may not look into sessions of others is told their process all the same', async () => {
  await bed.sql(`CREATE ROLE blind LOGIN PASSWORD 'secret'`);
  const url = new URL(bed.url);
  [url.username, url.password] = ['blind', 'secret'];
  const source = createPostgresSource({ url: url.href, slot: bed.slot, publication: bed.publication });
  try {
    await elsewhere.query('BEGIN; INSERT INTO jobs VALUES (3)');
    const { rows } = await elsewhere.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
    expect(await source.openTransactions(signal)).toMatchObject([{ pid: rows[0]?.pid, ageMs: null }]);
    await elsewhere.query('COMMIT');
  } finally {
    await source.close();
  }
});

import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { controlRecordKey, tableTopic } from '@banyan/contracts';
import { startCluster, type RunningCluster } from '@banyan/postgres';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { SourceLog } from '../../src/bus/bus.ts';
import { openSqliteBus } from '../../src/bus/sqlite/sqlite-bus.ts';
import { createFolder } from '../beds/consumer-test-bed.ts';
import { createTestBed, eventually, PREFIX, type TestBed } from '../beds/reader-test-bed.ts';
import { startReader, type Reader } from '../../src/capture/reader/reader.ts';
import { tableSnapshotProgress } from '../../src/capture/table-snapshot/table-snapshot-progress.ts';
import { openMixedCopy, type MixedCopy } from './mixed-copy.ts';
import {
  MIXED_TABLE,
  mixedSchema,
  mixedTransactions,
  runMixed,
  withLateVisibility,
} from './mixed-transactions.ts';

/** The embedded reader on a server of the test's own, whose commits can be made to become visible late. */
let dir: string;
let cluster: RunningCluster;
let bed: TestBed;
let bus: SourceLog;
let folder: Awaited<ReturnType<typeof createFolder>>;
let reader: Reader;
let copy: MixedCopy;
const signal = (): AbortSignal => AbortSignal.timeout(120_000);
const equal = { step: 'done', missing: 0, extra: 0, different: 0, unsettled: 0, examples: [] };

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'banyan-mixed-'));
  cluster = await startCluster({ dir, settings: { fsync: 'off' } });
  bed = await createTestBed('mixed', cluster.adminUrl);
  await bed.sql(mixedSchema);
  folder = await createFolder();
  bus = await openSqliteBus({ file: folder.file('bus.sqlite') });
  reader = await startReader(bed.reader(bus));
  await bed.source.ensureTables([MIXED_TABLE], signal());
  copy = await openMixedCopy({ source: bed.source, bus });
}, 180_000);
afterAll(async () => {
  await copy.close();
  await reader.close();
  await bus.close();
  await bed.close();
  await folder.remove();
  await cluster.close();
  await rm(dir, { recursive: true, force: true });
});

async function snapshot(): Promise<void> {
  const id = await bed.source.requestTableSnapshot([MIXED_TABLE], signal());
  await eventually(`the table snapshot ${id}`, async () =>
    (await tableSnapshotProgress(bus, PREFIX, signal())).some(
      (one) => one.id === id && one.state === 'completed',
    ),
  );
}

test('several statements on one row in one transaction, by one writer and by four', async () => {
  for (const writers of [1, 4]) {
    const committed = await runMixed(cluster.adminUrl, mixedTransactions(150, writers), writers);
    expect(committed).toBeGreaterThan(70);
    await copy.caughtUp(signal());
    expect(await copy.verify(signal())).toMatchObject(equal);
  }
}, 240_000);

test('the same beside table snapshots, each of a copy that begins empty: no key stays held', async () => {
  for (const seed of [11, 12]) {
    await bus.append(
      [{ topic: tableTopic(PREFIX, MIXED_TABLE), key: controlRecordKey('reset'), headers: {}, value: null }],
      signal(),
    );
    const [committed] = await Promise.all([
      runMixed(cluster.adminUrl, mixedTransactions(150, seed), 4),
      snapshot(),
    ]);
    expect(committed).toBeGreaterThan(50);
    await copy.caughtUp(signal());
    expect(await copy.verify(signal())).toMatchObject(equal);
  }
}, 300_000);

test('the same while commits become visible long after they were streamed', async () => {
  await withLateVisibility(cluster.adminUrl, 300, async () => {
    const committed = await runMixed(cluster.adminUrl, mixedTransactions(60, 7), 4);
    expect(committed).toBeGreaterThan(20);
  });
  await copy.caughtUp(signal());
  expect(await copy.verify(signal())).toMatchObject(equal);
}, 240_000);

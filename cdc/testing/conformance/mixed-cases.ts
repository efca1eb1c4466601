/** Transactions of several statements on the same rows, through a feed into a copy that verifications find equal. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { controlRecordKey, tableTopic } from '@banyan/contracts';
import { OpenParts, type Closable } from '@banyan/kit';
import { startCluster, type RunningCluster } from '@banyan/postgres';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Bus } from '../../src/bus/bus.ts';
import type { PostgresSource } from '../../src/capture/feed/postgres-source.ts';
import { PREFIX, type NamedTables, type TestBed } from '../beds/reader-test-bed.ts';
import { openMixedCopy, type MixedCopy } from './mixed-copy.ts';
import {
  MIXED_TABLE,
  mixedSchema,
  mixedTransactions,
  runMixed,
  withLateVisibility,
} from './mixed-transactions.ts';

export interface MixedFeed extends Closable {
  readonly bed: Pick<TestBed, 'sql'>;
  readonly source: NamedTables<PostgresSource>;
  readonly bus: Bus;
  /** Takes a table snapshot and waits for its end. */
  snapshot(tables: readonly string[]): Promise<void>;
}

const signal = (): AbortSignal => AbortSignal.timeout(120_000);
const equal = { step: 'done', missing: 0, extra: 0, different: 0, unsettled: 0, examples: [] };

/**
 * The cases, as tests, on a server of their own, whose commits can be made to become visible late.
 *
 * @param start Starts the feed of the server's database; its reader may run already.
 */
export function testMixed(start: (databaseUrl: string) => Promise<MixedFeed>): void {
  const parts = new OpenParts();
  let cluster: RunningCluster;
  let feed: MixedFeed;
  let copy: MixedCopy;

  beforeAll(async () => {
    const dir = await mkdtemp(join(tmpdir(), 'banyan-mixed-'));
    parts.add({ close: () => rm(dir, { recursive: true, force: true }) });
    cluster = parts.add(await startCluster({ dir, settings: { fsync: 'off' } }));
    feed = parts.add(await start(cluster.adminUrl));
    await feed.bed.sql(mixedSchema);
    await feed.source.ensureTables([MIXED_TABLE], signal());
    copy = parts.add(await openMixedCopy(feed));
  }, 180_000);
  afterAll(() => parts.close());

  test('several statements on one row in one transaction, by one writer and by four', async () => {
    for (const writers of [1, 4]) {
      const committed = await runMixed(cluster.adminUrl, mixedTransactions(150, writers), writers);
      expect(committed).toBeGreaterThan(70);
      await copy.caughtUp(signal());
      expect(await copy.verify(signal())).toMatchObject(equal);
    }
  }, 240_000);

  test('the same beside table snapshots, each of a copy that begins empty: no key stays held', async () => {
    const topic = tableTopic(PREFIX, MIXED_TABLE);
    for (const seed of [11, 12]) {
      await feed.bus.append([{ topic, key: controlRecordKey('reset'), headers: {}, value: null }], signal());
      const [committed] = await Promise.all([
        runMixed(cluster.adminUrl, mixedTransactions(150, seed), 4),
        feed.snapshot([MIXED_TABLE]),
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
}

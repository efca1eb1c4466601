/** A database whose reader writes to a bus in memory, for the whole of a test file. */
import { tableTopic } from '@banyan/contracts';
import type { SourceLog, StoredRecord } from '../../src/bus/bus.ts';
import { startReader, type Reader, type ReaderOptions } from '../../src/capture/reader/reader.ts';
import { createMemoryBus } from './memory-bus.ts';
import {
  caughtUp,
  createTestBed,
  eventually,
  expectCopy,
  PREFIX,
  readTopic,
  type TestBed,
} from './reader-test-bed.ts';

export interface FeedTestBed extends TestBed {
  readonly bus: SourceLog;
  /** Starts a reader, in the place of the one that runs. */
  start(options?: Partial<ReaderOptions>): Promise<void>;
  /** Ends the reader. */
  stop(): Promise<void>;
  /** Waits until everything written before is on the bus. */
  caughtUp(): Promise<void>;
  /** Takes a table snapshot, and waits until no table snapshot is open. */
  snapshot(tables: readonly string[]): Promise<void>;
  /** Waits until no table snapshot is open. */
  snapshotsDone(): Promise<void>;
  /** All records of a table's topic. */
  records(table: string): Promise<readonly StoredRecord[]>;
  /** Expects that a copy which applied a table's topic holds exactly what the table does now. */
  expectCopy(table: string): Promise<void>;
}

/** The reader is for the test to start, once its tables are there. */
export async function createFeedTestBed(label: string): Promise<FeedTestBed> {
  const bed = await createTestBed(label);
  const bus = createMemoryBus();
  let reader: Reader | undefined;
  const stop = async (): Promise<void> => {
    await reader?.close();
    reader = undefined;
  };
  const snapshotsDone = async (): Promise<void> => {
    await caughtUp(bed);
    await eventually('the table snapshots are done', () => reader?.status().tableSnapshots.length === 0);
  };
  return {
    ...bed,
    bus,
    async start(options) {
      await stop();
      reader = await startReader({ ...bed.reader(bus), ...options });
    },
    stop,
    caughtUp: () => caughtUp(bed),
    async snapshot(tables) {
      await bed.source.requestTableSnapshot(tables, AbortSignal.timeout(60_000));
      await snapshotsDone();
    },
    snapshotsDone,
    records: (table) => readTopic(bus, tableTopic(PREFIX, table)),
    expectCopy: (table) => expectCopy(bed, bus, table),
    async close() {
      await stop();
      await bed.close();
    },
  };
}

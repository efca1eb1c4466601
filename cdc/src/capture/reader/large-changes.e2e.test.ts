/** Transactions that come in parts, values of tens of megabytes, savepoints; and databases in which nothing happens. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { tableTopic } from '@banyan/contracts';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { SourceLog } from '../../bus/bus.ts';
import { createMemoryBus } from '../../../testing/beds/memory-bus.ts';
import { openSqliteBus } from '../../bus/sqlite/sqlite-bus.ts';
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
import { startReader, type Reader, type ReaderOptions } from './reader.ts';

const TABLE = 'public.item';
const topic = tableTopic(PREFIX, TABLE);
const signal = AbortSignal.timeout(300_000);
let bed: TestBed;
let readers: Reader[];

beforeAll(async () => {
  bed = await createTestBed('large');
});
beforeEach(async () => {
  readers = [];
  await bed.sql('CREATE TABLE item (id bigint PRIMARY KEY, body text, big text)');
});
afterEach(async () => {
  for (const reader of readers) await reader.close();
  await bed.dropFeed();
  await bed.sql('DROP TABLE item');
});
afterAll(() => bed.close());

async function start(log: SourceLog, options: Partial<ReaderOptions> = {}): Promise<Reader> {
  const reader = await startReader({ ...bed.reader(log), ...options });
  readers.push(reader);
  await bed.source.ensureTables([TABLE], signal);
  return reader;
}

async function rowsOf(columns: string): Promise<Map<string, unknown>> {
  const rows = await bed.sql(`SELECT ${columns} FROM item`);
  return new Map(rows.map((row) => [JSON.stringify({ id: row['id'] }), row]));
}

test('a row of 32 MB passes, between small ones', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'banyan-large-'));
  const bus = await openSqliteBus({ file: join(folder, 'bus.sqlite') });
  try {
    const reader = await start(bus);
    await bed.sql(`
      INSERT INTO item (id, body) VALUES (1, 'before');
      INSERT INTO item (id, body) VALUES (2, repeat('ä', 16000000));
      INSERT INTO item (id, body) VALUES (3, 'after')`);
    await caughtUp(bed);
    const bodies = (await readTopic(bus, topic)).map((record) => String(envelopeOf(record)?.after?.['body']));
    expect(bodies.map((body) => body.length)).toEqual([6, 16_000_000, 5]);
    expect(bodies[1] === 'ä'.repeat(16_000_000)).toBe(true); // not toBe: nobody wants to see the difference
    expect(reader.status().problem).toBeNull();
    await reader.close();
  } finally {
    await bus.close();
    await rm(folder, { recursive: true });
  }
}, 180_000);

test('what was rolled back to a savepoint does not come, what was kept comes in its order', async () => {
  const bus = createMemoryBus();
  await start(bus);
  // Subtransactions by the thousand: every third fails, and takes those inside it along.
  await bed.sql(`DO $$ BEGIN
    FOR n IN 1..3000 LOOP
      BEGIN
        INSERT INTO item (id, body) VALUES (n, 'kept');
        BEGIN
          INSERT INTO item (id, body) VALUES (100000 + n, 'inner');
          IF n % 5 = 0 THEN RAISE EXCEPTION 'inner'; END IF;
        EXCEPTION WHEN raise_exception THEN NULL;
        END;
        IF n % 3 = 0 THEN RAISE EXCEPTION 'outer'; END IF;
      EXCEPTION WHEN raise_exception THEN NULL;
      END;
    END LOOP; END $$`);
  await caughtUp(bed);
  const ids = (await readTopic(bus, topic)).map((record) => Number(envelopeOf(record)?.after?.['id']));
  const kept = Array.from({ length: 3_000 }, (_, index) => index + 1).filter((n) => n % 3 !== 0);
  expect(ids).toEqual(kept.flatMap((n) => (n % 5 === 0 ? [n] : [n, 100_000 + n])));
}, 180_000);

test('COPY, whose rows share one position in the log, is found again in the middle', async () => {
  const bus = createMemoryBus();
  let failures = 0;
  let stored = 0;
  // Each part is stored, and the reader does not come to know: it has to find its place in the transaction again.
  const failing = withAppendAt(bus, (records, move) => {
    if (!records.some((record) => record.topic === topic)) return null;
    stored += 1;
    if (stored % 2 === 0) return null;
    failures += 1;
    return bus.appendAt(records, move).then(() => Promise.reject(new Error('connection lost')));
  });
  await start(failing);
  // Seven rows first, so that no part ends where a record does.
  await bed.sql(`BEGIN; INSERT INTO item (id) SELECT generate_series(1, 7);
    COPY item (id) FROM PROGRAM 'seq 8 9000'; COMMIT`);
  await caughtUp(bed);
  const ids = (await readTopic(bus, topic)).map((record) => Number(envelopeOf(record)?.after?.['id']));
  expect(failures).toBeGreaterThan(1);
  expect(ids).toEqual(Array.from({ length: 9_000 }, (_, index) => index + 1));
}, 180_000);

test('table snapshots and unchanged TOAST are right while large transactions come in parts', async () => {
  const bus = createMemoryBus();
  await bed.sql('ALTER TABLE item ALTER COLUMN big SET STORAGE EXTERNAL');
  await bed.sql(`INSERT INTO item SELECT n, 'old', repeat('x', 3000) FROM generate_series(1, 3000) n`);
  let appends = 0;
  // Parts of a transaction are stored, and then the connection is lost, now and then.
  const failing = withAppendAt(bus, (records, move) => {
    appends += 1;
    if (appends % 7 !== 0) return null;
    return bus.appendAt(records, move).then(() => Promise.reject(new Error('connection lost')));
  });
  const reader = await start(failing, { chunkRows: 100 });
  await bed.source.requestTableSnapshot([TABLE], signal);
  for (const round of [1, 2, 3]) {
    await bed.sql(`BEGIN;
      UPDATE item SET body = 'round ${round}' WHERE id % 4 <> 0;
      UPDATE item SET big = repeat('y', 2500 + ${round}) WHERE id % 10 = ${round};
      UPDATE item SET id = id + 10000 WHERE id % 100 = ${round};
      DELETE FROM item WHERE id % 50 = ${round} + 10;
      COMMIT`);
  }
  await eventually('the table snapshot is done', () => reader.status().tableSnapshots.length === 0, 60_000);
  await bed.sql(`UPDATE item SET body = 'last' WHERE id % 2 = 0`);
  await caughtUp(bed);
  expect(await replay(bus, TABLE)).toEqual(await rowsOf('id::int, body, big'));
}, 180_000);

describe('an idle feed lets the server forget its log', () => {
  async function retained(): Promise<number> {
    const { retainedWalBytes } = await bed.source.slotStatus(signal);
    return retainedWalBytes ?? Infinity;
  }

  test.each([
    ['nothing is written', ''],
    ['only tables outside of the feed are written', 'database'],
    ['only another database of the cluster is written', 'cluster'],
  ])(
    'when %s',
    async (_what, where) => {
      await start(createMemoryBus());
      await bed.sql('CREATE TABLE IF NOT EXISTS elsewhere (body text)');
      const other = where === 'cluster' ? await createTestBed('elsewhere') : bed;
      try {
        if (other !== bed) await other.sql('CREATE TABLE elsewhere (body text)');
        // Twice 24 MB of log: more than the slot may keep in the end.
        for (let round = 0; round < 2 && where !== ''; round += 1) {
          await other.sql(`INSERT INTO elsewhere SELECT repeat('x', 1000) FROM generate_series(1, 20000)`);
        }
        // The slot moves on for good only where a running-transactions record stands, which a checkpoint writes.
        await eventually('the slot has moved on', async () => {
          await bed.sql('CHECKPOINT');
          return (await retained()) < 8 * 1024 * 1024;
        });
        const confirmed = async (): Promise<unknown> =>
          (await bed.source.slotStatus(signal)).confirmedFlushLsn;
        const before = await confirmed();
        await eventually('it goes on moving', async () => (await confirmed()) !== before);
      } finally {
        if (other !== bed) await other.close();
      }
    },
    60_000,
  );
});

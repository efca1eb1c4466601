/** The reader as a process of its own, killed at any moment. */
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { outboxTopic, tableTopic } from '@banyan/contracts';
import { ended, kill, killAll, startProcess, type TestProcess } from '@banyan/kit/testing';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { SourceLog } from '../../bus/bus.ts';
import { openSqliteBus } from '../../bus/sqlite/sqlite-bus.ts';
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

let bed: TestBed;
let folder: string;
let bus: SourceLog;
let busFile: string;
let files = 0;
const signal = AbortSignal.timeout(300_000);

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'banyan-kill-'));
  bed = await createTestBed('kill');
});
afterAll(async () => {
  await bed.close();
  await rm(folder, { recursive: true });
});
beforeEach(async () => {
  busFile = join(folder, `${++files}.sqlite`);
  bus = await openSqliteBus({ file: busFile });
  await bed.sql('CREATE TABLE item (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, body text)');
});
afterEach(async () => {
  await killAll();
  await bus.close();
  await bed.sql('DROP TABLE item');
  await bed.dropFeed();
});

function startReaderProcess(settings: Readonly<Record<string, string>> = {}): TestProcess {
  const main = new URL('main.ts', import.meta.url);
  return startProcess(main, { ...bed.readerEnv(busFile), HEARTBEAT_INTERVAL_MS: '100', ...settings });
}

/** Waits until the reader has begun an epoch after `than`. */
async function takenOver(than: number): Promise<number> {
  return await eventually('the reader has taken over', async () => {
    const epoch = (await bus.sourcePosition(bed.slot))?.epoch ?? 0;
    return epoch > than ? epoch : null;
  });
}

async function stored(topic = tableTopic(PREFIX, 'public.item')): Promise<number> {
  const [end] = await bus.ends([topic]);
  return end?.nextOffset ?? 0;
}

/** Whether the writers are so far ahead that a reader on a busy machine would never come up with them. */
async function areFarAhead(): Promise<boolean> {
  const rows = await bed.sql(
    `SELECT pg_current_wal_lsn() - confirmed_flush_lsn > 1000000 AS far FROM pg_replication_slots WHERE slot_name = $1`,
    [bed.slot],
  );
  return rows[0]?.['far'] === true;
}

/** Writers that commit rows as fast as they can, a megabyte of WAL ahead of the reader at most. */
function load(statement: string): { stop(): Promise<number> } {
  const stopped = new AbortController();
  const isStopped = (): boolean => stopped.signal.aborted;
  let commits = 0;
  const work = Array.from({ length: 2 }, async () => {
    while (!isStopped()) {
      await bed.sql(statement);
      commits += 1;
      if (commits % 50 > 1) continue;
      while (!isStopped() && (await areFarAhead())) await sleep(20);
    }
  });
  return {
    async stop() {
      stopped.abort();
      await Promise.all(work);
      return commits;
    },
  };
}

test('killed again and again under load, it puts every commit on the bus exactly once, in order', async () => {
  let epoch = 0;
  let reader = startReaderProcess();
  epoch = await takenOver(epoch);
  await bed.source.ensureTables(['public.item'], signal);
  const writers = load(`INSERT INTO item (body) VALUES ('one'), ('two')`);
  for (let round = 0; round < 5; round += 1) {
    const before = await stored();
    // Not the same moment each time: after one record, after a few hundred, while it is still catching up.
    await eventually('it has stored more', async () => (await stored()) > before + round * 60);
    await kill(reader);
    reader = startReaderProcess();
    epoch = await takenOver(epoch);
  }
  const commits = await writers.stop();
  await caughtUp(bed);
  const ids = (await readTopic(bus, tableTopic(PREFIX, 'public.item'))).map((record) =>
    Number(envelopeOf(record)?.after?.['id']),
  );
  expect(ids).toHaveLength(commits * 2);
  expect(new Set(ids).size).toBe(ids.length);
  const rows = await bed.sql('SELECT count(*)::int AS rows FROM item');
  expect(rows[0]?.['rows']).toBe(ids.length);
  expect(epoch).toBe(6);
}, 180_000);

test('killed again and again, it puts each event of an outbox on the bus exactly once, in order', async () => {
  await bed.sql(`CREATE TABLE outbox (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, aggregatetype text NOT NULL,
    aggregateid bigint NOT NULL, payload jsonb)`);
  const settings = { OUTBOX_TABLE: 'public.outbox' };
  const topic = outboxTopic('item');
  let reader = startReaderProcess(settings);
  let epoch = await takenOver(0);
  await bed.source.ensureTables(['public.item', 'public.outbox'], signal);
  const writers = load(`WITH item AS (INSERT INTO item (body) VALUES ('one') RETURNING id)
    INSERT INTO outbox (aggregatetype, aggregateid, payload) SELECT 'item', id, jsonb_build_object('item', id) FROM item`);
  for (let round = 0; round < 4; round += 1) {
    const before = await stored(topic);
    await eventually('it has stored more', async () => (await stored(topic)) > before + round * 60);
    await kill(reader);
    reader = startReaderProcess(settings);
    epoch = await takenOver(epoch);
  }
  const commits = await writers.stop();
  await caughtUp(bed);
  const events = await readTopic(bus, topic);
  expect(new Set(events.map(({ headers }) => headers['id'])).size).toBe(commits);
  expect(events).toHaveLength(commits);
  const items = (await readTopic(bus, tableTopic(PREFIX, 'public.item'))).map(
    (record) => envelopeOf(record)?.after?.['id'],
  );
  expect(events.map(({ key }) => Number(key))).toEqual(items);
  await bed.sql('DROP TABLE outbox');
}, 180_000);

test('killed while it takes a table snapshot, the next one goes on from where it was', async () => {
  await bed.sql(`INSERT INTO item (body) SELECT 'body ' || n FROM generate_series(1, 30000) n`);
  let reader = startReaderProcess();
  let epoch = await takenOver(0);
  await bed.source.ensureTables(['public.item'], signal);
  const writers = load(
    `WITH gone AS (DELETE FROM item WHERE id = 1 + floor(random() * 30000)::int),
       more AS (INSERT INTO item (body) VALUES ('added'))
     UPDATE item SET body = 'changed ' || random() WHERE id = 1 + floor(random() * 30000)::int`,
  );
  const id = await bed.source.requestTableSnapshot(['public.item'], signal);
  const done = async (): Promise<number> => {
    const progress = await tableSnapshotProgress(bus, PREFIX, signal);
    return progress[0]?.id === id ? (progress[0].rowsDone ?? 0) : 0;
  };
  let rows = 0;
  for (let round = 0; round < 3; round += 1) {
    const before = rows;
    rows = await eventually('it has read more', async () => {
      const now = await done();
      return now > before && now;
    });
    await kill(reader);
    reader = startReaderProcess();
    epoch = await takenOver(epoch);
    expect(await done()).toBeGreaterThanOrEqual(rows);
  }
  await eventually(
    'it is completed',
    async () => {
      const progress = await tableSnapshotProgress(bus, PREFIX, signal);
      return progress[0]?.state === 'completed';
    },
    60_000,
  );
  await writers.stop();
  await caughtUp(bed);
  const table = await bed.sql('SELECT id::int, body FROM item');
  expect(await replay(bus, 'public.item')).toEqual(
    new Map(table.map((row) => [JSON.stringify({ id: row['id'] }), row])),
  );
  // A little is read twice at each kill, not the whole table.
  const reads = (await readTopic(bus, tableTopic(PREFIX, 'public.item'))).filter(
    (record) => envelopeOf(record)?.op === 'r',
  );
  expect(reads.length).toBeLessThan(40_000);
}, 180_000);

test('one that slept while another took over can store nothing, says why, and exits 1', async () => {
  const sleeper = startReaderProcess();
  await takenOver(0);
  await bed.source.ensureTables(['public.item'], signal);
  await bed.sql(`INSERT INTO item (body) VALUES ('before')`);
  await caughtUp(bed);
  sleeper.kill('SIGSTOP');
  await bed.sql(`INSERT INTO item (body) VALUES ('while it slept')`);
  startReaderProcess();
  await takenOver(1);
  await caughtUp(bed);
  sleeper.kill('SIGCONT');
  expect(await ended(sleeper)).toBe(1);
  expect(sleeper.said()).toMatch(/another reader has taken over/i);
  await bed.sql(`INSERT INTO item (body) VALUES ('after')`);
  await caughtUp(bed);
  const bodies = (await readTopic(bus, tableTopic(PREFIX, 'public.item'))).map(
    (record) => envelopeOf(record)?.after?.['body'],
  );
  expect(bodies).toEqual(['before', 'while it slept', 'after']);
});

test('asked to stop, it stops with 0 and leaves the slot free', async () => {
  const reader = startReaderProcess();
  await takenOver(0);
  await eventually('it streams', async () => (await bed.source.slotStatus(signal)).active);
  reader.kill('SIGTERM');
  expect(await ended(reader)).toBe(0);
  await eventually('the slot is free', async () => !(await bed.source.slotStatus(signal)).active);
});

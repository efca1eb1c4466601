/** The reader, killed by kill -9 at each of its numbered steps, and in the middle of a transaction larger than its memory. */
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { tableTopic } from '@banyan/contracts';
import { ended, kill, killAll, startProcess, type TestProcess } from '@banyan/kit/testing';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import type { SourceLog } from '../../bus/bus.ts';
import { openSqliteBus } from '../../bus/sqlite/sqlite-bus.ts';
import {
  caughtUp,
  createTestBed,
  envelopeOf,
  eventually,
  PREFIX,
  readTopic,
  type TestBed,
} from '../../../testing/beds/reader-test-bed.ts';
import { startReader } from './reader.ts';

const TABLE = 'public.item';
const topic = tableTopic(PREFIX, TABLE);
const signal = AbortSignal.timeout(300_000);
let bed: TestBed;
let folder: string;
let busFile: string;
let bus: SourceLog;
let files = 0;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'banyan-steps-'));
  bed = await createTestBed('steps');
});
afterAll(async () => {
  await bed.close();
  await rm(folder, { recursive: true });
});
beforeEach(async () => {
  busFile = join(folder, `${++files}.sqlite`);
  bus = await openSqliteBus({ file: busFile });
  await bed.sql('CREATE TABLE item (id bigint PRIMARY KEY, body text)');
});
afterEach(async () => {
  await killAll();
  await bus.close();
  await bed.dropFeed();
  await bed.sql('DROP TABLE item');
});

function startReaderProcess(killAt: string, nodeOptions: readonly string[] = []): TestProcess {
  const script = new URL('../../../testing/processes/read-until-killed.ts', import.meta.url);
  const feed = { SOURCE_URL: bed.url, BUS_FILE: busFile, SLOT: bed.slot, PREFIX };
  return startProcess(script, { ...feed, KILL_AT: killAt, KILL_TOPIC: topic }, nodeOptions);
}

async function ids(): Promise<number[]> {
  return (await readTopic(bus, topic)).map((record) => Number(envelopeOf(record)?.after?.['id']));
}

/** Publication, slot and position, and the table in the feed. */
async function beginFeed(): Promise<void> {
  const first = await startReader(bed.reader(bus));
  await bed.source.ensureTables([TABLE], signal);
  await caughtUp(bed);
  await first.close();
}

const expected = Array.from({ length: 2_501 }, (_, index) => index + 1);

test.each([
  ['1. before storing', 'appendAt:before:1'],
  ['1. a part of a large transaction stored, the rest not', 'appendAt:after:1'],
  ['1. before storing the rest', 'appendAt:before:2'],
  ['1. stored, 2. not confirmed', 'appendAt:after:2'],
  ['2. confirmed, 3. gone on', 'appendAt:beyond:2'],
])(
  'killed at "%s", of two transactions back to back each event is on the bus once',
  async (_step, killAt) => {
    await beginFeed();
    const child = startReaderProcess(killAt);
    await eventually('it streams', async () => ((await bus.sourcePosition(bed.slot))?.epoch ?? 0) > 1);
    await bed.sql(`
    BEGIN; INSERT INTO item SELECT n, 'one' FROM generate_series(1, 2500) n; COMMIT;
    BEGIN; INSERT INTO item VALUES (2501, 'two'); COMMIT`);
    expect(await ended(child)).toBe('SIGKILL');
    const next = await startReader(bed.reader(bus));
    await caughtUp(bed);
    await next.close();
    expect(await ids()).toEqual(expected);
    expect(await bus.sourcePosition(bed.slot)).toMatchObject({ incarnation: 1, open: null });
  },
  180_000,
);

test.each([
  ['publication and slot made, not taken over', 'takeOver:before:1'],
  ['taken over, nothing streamed', 'takeOver:after:1'],
])(
  'killed at its first start, %s: the next one begins the same feed',
  async (_step, killAt) => {
    const child = startReaderProcess(killAt);
    expect(await ended(child)).toBe('SIGKILL');
    await bed.source.ensureTables([TABLE], signal);
    await bed.sql(`INSERT INTO item SELECT n, 'x' FROM generate_series(1, 3) n`);
    const next = await startReader(bed.reader(bus));
    await caughtUp(bed);
    await next.close();
    expect(await ids()).toEqual([1, 2, 3]);
    expect(await bus.sourcePosition(bed.slot)).toMatchObject({ incarnation: 1 });
  },
  180_000,
);

test('killed at its first start while the slot is being made', async () => {
  // A slot waits for the transactions that are open.
  const writer = new pg.Client(bed.url);
  await writer.connect();
  await writer.query('BEGIN');
  await writer.query(`INSERT INTO item VALUES (1, 'before')`);
  const child = startReaderProcess('');
  await eventually('the publication is made, and the slot waits', async () => {
    const rows = await bed.sql(
      `SELECT 1 FROM pg_publication p, pg_stat_activity a
       WHERE p.pubname = $1 AND a.query LIKE '%pg_create_logical_replication_slot%' AND a.wait_event_type = 'Lock'
         AND a.datname = current_database()`,
      [bed.publication],
    );
    return rows.length > 0;
  });
  await kill(child);
  await writer.query('COMMIT');
  await writer.end();
  const next = await eventually('the next one starts', () => startReader(bed.reader(bus)).catch(() => null));
  await eventually('it streams', () => next.status().state === 'streaming');
  await bed.source.ensureTables([TABLE], signal);
  await bed.sql(`INSERT INTO item VALUES (2, 'after')`);
  await caughtUp(bed);
  await next.close();
  expect(await ids()).toEqual([2]);
}, 180_000);

/** The old space of a reader that has this much more to read than fits. */
const HEAP = ['--max-old-space-size=64'];
const ROWS = 60_000;

test('a transaction larger than its memory, killed in the middle of it, is on the bus once and in order', async () => {
  await beginFeed();
  let child = startReaderProcess('', HEAP);
  await eventually('it streams', async () => ((await bus.sourcePosition(bed.slot))?.epoch ?? 0) > 1);
  await bed.sql(`INSERT INTO item SELECT n, repeat(md5(n::text), 12) FROM generate_series(1, ${ROWS}) n`);
  const stored = async (): Promise<number> => (await bus.ends([topic]))[0]?.nextOffset ?? 0;
  await eventually(
    'a third is stored',
    async () => child.exitCode !== null || (await stored()) > ROWS / 3,
    60_000,
  );
  expect(child.exitCode).toBeNull();
  await kill(child);
  const before = await stored();
  expect(before).toBeLessThan(ROWS);
  expect((await bus.sourcePosition(bed.slot))?.open).not.toBeNull();
  child = startReaderProcess('', HEAP);
  await eventually('all is stored', async () => child.exitCode !== null || (await stored()) >= ROWS, 120_000);
  expect(child.exitCode).toBeNull(); // it did not die of its heap
  await caughtUp(bed);
  const found = await ids();
  expect(found).toHaveLength(ROWS);
  expect(found.findIndex((id, index) => id !== index + 1)).toBe(-1);
}, 200_000);

import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { REREAD_HEADER, tableTopic } from '@banyan/contracts';
import pg from 'pg';
import type { SourceLog } from '../bus/bus.ts';
import { createMemoryBus } from '../bus/memory-bus.ts';
import type { RowRereadProgress } from '../source/source.ts';
import { followTableSnapshots, type TableSnapshotFollower } from '../source/table-snapshot-progress.ts';
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
} from './reader-test-bed.ts';
import { startReader, type Reader } from './reader.ts';

const TABLE = 'public.part';
let bed: TestBed;
let bus: SourceLog;
let reader: Reader;
let follower: TableSnapshotFollower;
let stop: AbortController;
const signal = AbortSignal.timeout(120_000);

beforeAll(async () => {
  bed = await createTestBed('row_reread');
});
afterAll(() => bed.close());
beforeEach(async () => {
  bus = createMemoryBus();
  stop = new AbortController();
  follower = await followTableSnapshots({ bus, prefix: PREFIX, signal: stop.signal });
  await bed.sql(`
    CREATE TABLE part (box varchar(8), n numeric(6, 2), body text, PRIMARY KEY (n, box));
    CREATE TABLE loose (name text);
    CREATE TABLE apart (id int PRIMARY KEY)`);
  reader = await startReader(bed.reader(bus));
  await bed.source.ensureTables([TABLE], signal);
});
afterEach(async () => {
  stop.abort();
  await follower.ended;
  await reader.close();
  await bed.sql('DROP TABLE part, loose, apart');
  await eventually('the slot is dropped', () =>
    bed.sql('SELECT pg_drop_replication_slot($1)', [bed.slot]).then(
      () => true,
      () => false,
    ),
  );
  await bed.sql(`DROP PUBLICATION ${bed.publication}`);
});

async function ended(id: string): Promise<RowRereadProgress> {
  return await eventually(`row re-read ${id} ends`, () => {
    const progress = follower.rowReread(id);
    return progress?.state === 'completed' || progress?.state === 'failed' ? progress : null;
  });
}

/** Op, key and body of the records with the header of a row re-read; a tombstone has the op `-`. */
async function recordsOf(id: string): Promise<(string | null)[][]> {
  return (await readTopic(bus, tableTopic(PREFIX, TABLE)))
    .filter(({ headers }) => headers[REREAD_HEADER] === id)
    .map((record) => {
      const envelope = envelopeOf(record);
      return [envelope?.op ?? '-', record.key, (envelope?.after?.['body'] as string | undefined) ?? null];
    });
}

async function truth(): Promise<Map<string, unknown>> {
  const rows = await bed.sql('SELECT box, n, body FROM part');
  return new Map(rows.map((row) => [JSON.stringify({ n: row['n'], box: row['box'] }), row]));
}

test('a row that is there comes as a read, one that is not as a delete and a tombstone', async () => {
  await bed.sql(`INSERT INTO part VALUES ('a', 1, 'one'), ('b', 2, repeat('x', 20000))`);
  const asked = [
    ['1', 'a'],
    ['7', 'a'],
    ['2.00', 'b'],
  ];
  const id = await bed.source.requestRowReread(TABLE, asked, signal);
  expect(await ended(id)).toEqual({
    ...{ id, table: TABLE, state: 'completed', keysDone: 3, keysTotal: 3, problem: null },
  });
  expect(await recordsOf(id)).toEqual([
    ['r', '{"n":"1.00","box":"a"}', 'one'],
    ['d', '{"n":"7","box":"a"}', null],
    ['-', '{"n":"7","box":"a"}', null],
    ['r', '{"n":"2.00","box":"b"}', 'x'.repeat(20_000)],
  ]);
});

test('a key that is longer than its column is a row that is not there, not another row', async () => {
  await bed.sql(`INSERT INTO part VALUES ('12345678', 1, 'another')`);
  const id = await bed.source.requestRowReread(TABLE, [['1', '123456789']], signal);
  await ended(id);
  expect((await recordsOf(id)).map(([op]) => op)).toEqual(['d', '-']);
});

test.each([
  ['a table that is not there', 'public.none', [['1']], /public\.none: there is no such table/],
  ['no table at all', 'part', [['1']], /no such table/],
  ['a table without a key', 'public.loose', [['1']], /no primary key/],
  ['a table outside the feed', 'public.apart', [['1']], /not in the feed/],
  ['a key of other columns', TABLE, [['1', 'a'], ['2']], /2 values \(n, box\), got \["2"\]/],
  ['a value of another type', TABLE, [['one', 'a']], /invalid input syntax for type numeric/],
])('%s is notified as a failure with its reason', async (_what, table, keys, reason) => {
  const id = await bed.source.requestRowReread(table, keys, signal);
  const { state, problem } = await ended(id);
  expect(state).toBe('failed');
  expect(problem).toMatch(reason);
  expect(reader.status().state).toBe('streaming');
});

test('a signal that is not understood is answered to whoever waits for its id', async () => {
  await bed.sql(`INSERT INTO banyan.signal VALUES ('wrong', 'banyan-reread-rows', '{"table": 1}')`);
  const { state, problem } = await ended('wrong');
  expect(state).toBe('failed');
  expect(problem).toMatch(/expected string/);
});

test('refuses to ask for no key and for too many', async () => {
  await expect(bed.source.requestRowReread(TABLE, [], signal)).rejects.toThrow(RangeError);
  const many = Array.from({ length: 10_001 }, (_, n) => [String(n), 'a']);
  await expect(bed.source.requestRowReread(TABLE, many, signal)).rejects.toThrow(
    /1 to 10000 keys, got 10001/,
  );
});

test('thousands of keys come in pieces, each key once, while table snapshots are read', async () => {
  await bed.sql(`INSERT INTO part SELECT 'a', n, 'body ' || n FROM generate_series(1, 2500) n`);
  const keys = Array.from({ length: 3_000 }, (_, n) => [`${n + 1}.00`, 'a']);
  await bed.source.requestTableSnapshot([TABLE], signal);
  const id = await bed.source.requestRowReread(TABLE, keys, signal);
  await ended(id);
  const records = await recordsOf(id);
  expect(records.map(([op]) => op)).toEqual([
    ...Array.from({ length: 2_500 }, () => 'r'),
    ...Array.from({ length: 500 }, () => ['d', '-']).flat(),
  ]);
  expect(new Set(records.map(([, key]) => key)).size).toBe(3_000);
});

test('a reader that takes over goes on with the keys that are left', async () => {
  await bed.sql(`INSERT INTO part SELECT 'a', n, 'body ' || n FROM generate_series(1, 1500) n`);
  await reader.close();
  let stored = 0;
  const stalling = withAppendAt(bus, (records) => {
    stored += records.filter(({ headers }) => headers[REREAD_HEADER] !== undefined).length;
    return stored > 700 ? Promise.reject(new Error('the disk is full')) : null;
  });
  reader = await startReader(bed.reader(stalling));
  const keys = Array.from({ length: 1_500 }, (_, n) => [`${n + 1}.00`, 'a']);
  const id = await bed.source.requestRowReread(TABLE, keys, signal);
  await eventually('the second piece fails', () => stored > 700);
  await reader.close();
  expect(follower.rowReread(id)).toMatchObject({ state: 'running', keysDone: 500 });
  reader = await startReader(bed.reader(bus));
  await ended(id);
  expect((await recordsOf(id)).map(([, key]) => key)).toEqual(keys.map(([n]) => `{"n":"${n}","box":"a"}`));
});

/** Makes a change between the moment that the read's snapshot is of and the second watermark. */
async function insideWindow(keys: readonly (readonly string[])[], change: string): Promise<string> {
  const blocker = new pg.Client(bed.url);
  await blocker.connect();
  // The read takes its snapshot, and then waits for the table.
  await blocker.query('BEGIN; LOCK TABLE part IN ACCESS EXCLUSIVE MODE');
  const id = await bed.source.requestRowReread(TABLE, keys, signal);
  await eventually('the read waits for the table', async () => {
    const rows = await bed.sql(`SELECT 1 FROM pg_locks WHERE relation = 'part'::regclass AND NOT granted`);
    return rows.length > 0;
  });
  await blocker.query(`${change}; COMMIT`);
  await blocker.end();
  await ended(id);
  await caughtUp(bed);
  return id;
}

test.each([
  ['changed', `UPDATE part SET body = 'new' WHERE n = 1`, ['r', 'r']],
  ['deleted', `DELETE FROM part WHERE n = 1`, ['d', '-', 'r']],
  ['given another key', `UPDATE part SET n = 9 WHERE n = 1`, ['d', '-', 'r']],
  ['emptied with its table', 'TRUNCATE part', ['d', '-', 'd', '-']],
])('a row that is %s after the read has seen its snapshot gets a record that is right', async (...row) => {
  const [, change, ops] = row;
  await bed.sql(`INSERT INTO part VALUES ('a', 1, 'old'), ('a', 2, 'still')`);
  const id = await insideWindow(
    [
      ['1', 'a'],
      ['2', 'a'],
    ],
    change,
  );
  const records = await recordsOf(id);
  expect(records.map(([op]) => op).sort()).toEqual([...ops].sort());
  expect(records.map(([, , body]) => body)).not.toContain('old');
  expect(await replay(bus, TABLE)).toEqual(await truth());
});

test('a row that is never at rest gets its record, and the copy is right at the end', async () => {
  await bed.sql(`INSERT INTO part VALUES ('a', 1, '0')`);
  const stopped = new AbortController();
  const writer = (async () => {
    for (let n = 1; !stopped.signal.aborted; n += 1) {
      await bed.sql(
        `INSERT INTO part VALUES ('a', 1, '${n}') ON CONFLICT (n, box) DO UPDATE SET body = '${n}'`,
      );
      if (n % 5 === 0) await bed.sql('DELETE FROM part');
    }
  })();
  for (let round = 0; round < 10; round += 1) {
    const id = await bed.source.requestRowReread(TABLE, [['1', 'a']], signal);
    expect(await ended(id)).toMatchObject({ state: 'completed', keysDone: 1 });
    expect(await recordsOf(id)).not.toEqual([]);
  }
  stopped.abort();
  await writer;
  await caughtUp(bed);
  expect(await replay(bus, TABLE)).toEqual(await truth());
});

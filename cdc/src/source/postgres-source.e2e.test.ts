import { afterAll, beforeAll, expect, test } from '@jest/globals';
import pg from 'pg';
import { createMemoryBus } from '../bus/memory-bus.ts';
import { createTestBed, eventually, type TestBed } from '../reader/reader-test-bed.ts';
import { startReader } from '../reader/reader.ts';
import { parseLsn } from './lsn.ts';

let bed: TestBed;
const signal = AbortSignal.timeout(60_000);

beforeAll(async () => {
  bed = await createTestBed('postgres_source');
  await bed.sql(`
    CREATE TABLE fit (b text, a int, big bigint, at timestamptz, total int GENERATED ALWAYS AS (a * 2) STORED,
      PRIMARY KEY (a, b));
    INSERT INTO fit (b, a, big, at) SELECT chr(97 + n % 3), n / 3, 9007199254740993 + n, '2026-01-01 00:00:00.000001+00'
      FROM generate_series(0, 29) n;
    CREATE TABLE keyless (a int);
    CREATE TABLE by_index (a int PRIMARY KEY, b int NOT NULL UNIQUE);
    ALTER TABLE by_index REPLICA IDENTITY USING INDEX by_index_b_key;
    CREATE PUBLICATION ${bed.publication} FOR TABLE banyan.signal`);
});
afterAll(() => bed.close());

async function published(): Promise<unknown[]> {
  const rows = await bed.sql('SELECT tablename FROM pg_publication_tables WHERE pubname = $1 ORDER BY 1', [
    bed.publication,
  ]);
  return rows.map((row) => row['tablename']);
}

test('adds tables once, and takes them out', async () => {
  await bed.source.ensureTables(['public.fit'], signal);
  await bed.source.ensureTables(['public.fit'], signal);
  expect(await published()).toEqual(['fit', 'signal']);
  await bed.source.removeTables(['public.fit', 'public.keyless'], signal);
  await bed.source.removeTables(['public.fit'], signal);
  expect(await published()).toEqual(['signal']);
});

test('names every table that the feed cannot carry, and adds none', async () => {
  const tables = ['public.fit', 'public.none', 'public.keyless', 'public.by_index'];
  await expect(bed.source.ensureTables(tables, signal)).rejects.toMatchObject({
    code: 'source-tables-unfit',
    problems: [
      { table: 'public.none', problem: 'missing' },
      { table: 'public.keyless', problem: 'no-primary-key' },
      { table: 'public.by_index', problem: 'replica-identity' },
    ],
  });
  expect(await published()).toEqual(['signal']);
});

test('a table joins the feed only after changes that were open then have ended', async () => {
  const writer = new pg.Client(bed.url);
  await writer.connect();
  await writer.query('BEGIN');
  await writer.query(`INSERT INTO fit (b, a) VALUES ('z', 1000)`);
  let added = false;
  const adding = bed.source.ensureTables(['public.fit'], signal).then(() => (added = true));
  await eventually('it waits for the writer', async () => {
    const rows = await bed.sql(`SELECT 1 FROM pg_locks WHERE relation = 'fit'::regclass AND NOT granted`);
    return rows.length > 0;
  });
  expect(added).toBe(false);
  await writer.query('ROLLBACK');
  await adding;
  await writer.end();
  expect(await published()).toEqual(['fit', 'signal']);
});

test('describes tables by key order, types and size', async () => {
  await bed.sql('ANALYZE fit');
  expect(await bed.source.describeTables(['public.fit'], signal)).toEqual([
    {
      name: 'public.fit',
      key: ['a', 'b'],
      columns: { b: 'text', a: 'integer', big: 'bigint', at: 'timestamp with time zone' },
      estimatedRows: 30,
    },
  ]);
});

test('reads rows in a range of a composite key, decoded as envelopes are', async () => {
  const range = { table: 'public.fit', columns: ['a', 'b', 'big', 'at'], key: ['a', 'b'], limit: 100 };
  const all = await bed.source.readRows({ ...range, afterKey: null, toKey: null }, signal);
  expect(all).toHaveLength(30);
  expect(all[0]).toEqual({ a: 0, b: 'a', big: 9007199254740993n, at: '2026-01-01T00:00:00.000001Z' });
  const some = await bed.source.readRows({ ...range, afterKey: ['2', 'b'], toKey: ['3', 'a'] }, signal);
  expect(some.map((row) => [row['a'], row['b']])).toEqual([
    [2, 'c'],
    [3, 'a'],
  ]);
  const first = await bed.source.readRows({ ...range, afterKey: null, toKey: null, limit: 2 }, signal);
  expect(first).toEqual(all.slice(0, 2));
});

test('positions rise, and stay unread while there is no slot', async () => {
  expect(await bed.source.slotStatus(signal)).toEqual({
    exists: false,
    active: false,
    confirmedFlushLsn: null,
    retainedWalBytes: null,
    walStatus: null,
  });
  const first = parseLsn(await bed.source.takePosition(signal));
  expect(parseLsn(await bed.source.takePosition(signal))).toBeGreaterThan(first);
});

test('tells of the slot', async () => {
  const reader = await startReader(bed.reader(createMemoryBus()));
  const status = await eventually('it is active', async () => {
    const now = await bed.source.slotStatus(signal);
    return now.active ? now : null;
  });
  expect(status).toMatchObject({ exists: true, walStatus: 'reserved' });
  expect(status.retainedWalBytes).toBeGreaterThanOrEqual(0);
  await reader.close();
});

test('a question that is aborted ends at once, and the next one is answered', async () => {
  const blocker = new pg.Client(bed.url);
  await blocker.connect();
  await blocker.query('BEGIN; LOCK TABLE fit IN ACCESS EXCLUSIVE MODE');
  const abort = new AbortController();
  const asking = bed.source.readRows(
    { table: 'public.fit', columns: ['a'], key: ['a', 'b'], afterKey: null, toKey: null, limit: 1 },
    abort.signal,
  );
  await eventually('it waits', async () => {
    const rows = await bed.sql(`SELECT 1 FROM pg_locks WHERE relation = 'fit'::regclass AND NOT granted`);
    return rows.length > 0;
  });
  abort.abort(new Error('enough'));
  await expect(asking).rejects.toThrow('enough');
  await blocker.query('ROLLBACK');
  await blocker.end();
  expect(await bed.source.takePosition(signal)).toMatch(/\//);
});

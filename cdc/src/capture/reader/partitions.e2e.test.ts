/** Partitioned tables through their root, and tables that inherit: what the feed carries, and what it cannot see. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import pg from 'pg';
import { createFeedTestBed, type FeedTestBed } from '../../../testing/beds/feed-test-bed.ts';
import { envelopeOf, eventually, PREFIX, replay } from '../../../testing/beds/reader-test-bed.ts';

let bed: FeedTestBed;
const signal = AbortSignal.timeout(300_000);
const LONG = 'x'.repeat(5_000);

beforeAll(async () => {
  bed = await createFeedTestBed('partitions');
  // As an older Banyan, or somebody else, made it.
  await bed.sql(`CREATE PUBLICATION ${bed.publication} FOR TABLE banyan.signal`);
  await bed.start({ chunkRows: 3 });
});
afterAll(() => bed.close());

/** Makes a table partitioned by day, with two partitions, one of them in parts and with columns in another order. */
async function createPartitioned(name: string, identity = 'DEFAULT'): Promise<void> {
  await bed.sql(`
    CREATE TABLE ${name} (day int, id int, gone int, body text, note text, PRIMARY KEY (id, day)) PARTITION BY RANGE (day);
    ALTER TABLE ${name} ALTER COLUMN body SET STORAGE EXTERNAL;
    ALTER TABLE ${name} DROP COLUMN gone;
    CREATE TABLE ${name}_1 PARTITION OF ${name} FOR VALUES FROM (0) TO (10);
    CREATE TABLE ${name}_2 (note text, id int NOT NULL, body text, day int NOT NULL, PRIMARY KEY (id, day))
      PARTITION BY RANGE (id);
    CREATE TABLE ${name}_2a PARTITION OF ${name}_2 FOR VALUES FROM (0) TO (5);
    CREATE TABLE ${name}_2b PARTITION OF ${name}_2 DEFAULT;
    ALTER TABLE ${name}_2a ALTER COLUMN body SET STORAGE EXTERNAL;
    ALTER TABLE ${name} ATTACH PARTITION ${name}_2 FOR VALUES FROM (10) TO (20);
    ALTER TABLE ${name} REPLICA IDENTITY ${identity};
    INSERT INTO ${name} SELECT n, n, CASE WHEN n % 4 = 0 THEN repeat('x', 5000) END, 'old' FROM generate_series(0, 19) n`);
}

async function copyTable(table: string): Promise<void> {
  await bed.source.ensureTables([table], signal);
  await bed.snapshot([table]);
}

async function operations(table: string): Promise<unknown[]> {
  await bed.caughtUp();
  return (await bed.records(table)).map((record) => envelopeOf(record)?.op ?? 'tombstone');
}

test('rows of partitions are read and streamed as rows of the root, wherever they are written', async () => {
  await createPartitioned('sale');
  await copyTable('public.sale');
  await bed.expectCopy('public.sale');
  await bed.sql(`
    UPDATE sale SET note = 'new' WHERE id % 2 = 0;
    INSERT INTO sale_1 VALUES (1, 100, 'direct', NULL);
    INSERT INTO sale_2b (day, id, note) VALUES (11, 101, 'direct');
    DELETE FROM sale_2 WHERE id = 15;
    UPDATE sale SET id = 3 WHERE id = 13`);
  await bed.expectCopy('public.sale');
  const [described] = await bed.source.describeTables(['public.sale'], signal);
  expect(described).toMatchObject({ key: ['id', 'day'] });
});

test('a row that moves to another partition is a delete and a create', async () => {
  const before = (await operations('public.sale')).length;
  await bed.sql('UPDATE sale SET day = 12 WHERE id = 4');
  expect((await operations('public.sale')).slice(before)).toEqual(['d', 'tombstone', 'c']);
  await bed.expectCopy('public.sale');
});

test('rows of partitions are read by their key', async () => {
  const keys = [
    ['4', '12'],
    ['999', '1'],
  ];
  const found = await bed.source.readRows({ prefix: PREFIX, table: 'public.sale', keys }, signal);
  expect(found.map(({ key, envelope }) => [envelopeOf({ value: envelope })?.op, key])).toEqual([
    ['r', '{"id":4,"day":12}'],
    ['d', '{"id":999,"day":1}'],
  ]);
});

test('a transaction that writes to one partition alone is waited for', async () => {
  const other = new pg.Client(bed.url);
  await other.connect();
  const [leaf] = await bed.sql(`SELECT tableoid::regclass::text AS name FROM sale WHERE id = 4`);
  await other.query(`BEGIN; UPDATE ${String(leaf?.['name'])} SET id = id WHERE id = 4`);
  let isDone = false;
  const read = bed.source
    .readRows({ prefix: PREFIX, table: 'public.sale', keys: [['4', '12']] }, signal)
    .then(() => (isDone = true));
  await eventually('it waits', async () => {
    const asked = await bed.sql(
      `SELECT 1 FROM pg_stat_activity
       WHERE query LIKE 'SELECT DISTINCT virtualtransaction%ANY%' AND datname = current_database()`,
    );
    return asked.length > 0;
  });
  expect(isDone).toBe(false);
  await other.query('COMMIT');
  await read;
  await other.end();
});

test('partitions come and go: what is written is in the feed, rows that come or go with them are not', async () => {
  const absent = async (id: number): Promise<boolean> =>
    !(await replay(bed.bus, 'public.sale')).has(`{"id":${id},"day":30}`);
  await bed.sql(`CREATE TABLE sale_3 (LIKE sale INCLUDING ALL);
    INSERT INTO sale_3 VALUES (30, 300, NULL, 'brought along')`);
  await bed.sql('ALTER TABLE sale ATTACH PARTITION sale_3 FOR VALUES FROM (30) TO (40)');
  await bed.sql(`INSERT INTO sale VALUES (30, 301, NULL, 'written')`);
  await bed.caughtUp();
  expect([await absent(300), await absent(301)]).toEqual([true, false]);
  await bed.snapshot(['public.sale']);
  await bed.expectCopy('public.sale');
  await bed.sql('ALTER TABLE sale DETACH PARTITION sale_3');
  await bed.sql('DELETE FROM sale_3 WHERE id = 300');
  await bed.caughtUp();
  expect([await absent(300), await absent(301)]).toEqual([false, false]);
  await bed.sql(`ALTER TABLE sale ATTACH PARTITION sale_3 FOR VALUES FROM (30) TO (40);
    INSERT INTO sale VALUES (30, 300, NULL, 'again')`);
  await bed.snapshot(['public.sale']);
  await bed.expectCopy('public.sale');
});

test('TRUNCATE of the root is told; of a partition alone PostgreSQL tells nobody', async () => {
  await bed.sql('TRUNCATE sale_1');
  const silent = await operations('public.sale');
  expect(silent.at(-1)).not.toBe('t');
  await bed.sql('TRUNCATE sale');
  expect((await operations('public.sale')).slice(silent.length)).toEqual(['t']);
  await bed.sql(`INSERT INTO sale VALUES (1, 1, NULL, 'after')`);
  await bed.expectCopy('public.sale');
});

test('the root says full, its partitions do not: an unchanged long value does not become null', async () => {
  await createPartitioned('bill', 'FULL');
  await copyTable('public.bill');
  await bed.sql('UPDATE bill SET id = 2 WHERE id = 12; UPDATE bill SET id = 1000 WHERE id = 4');
  const rows = await replayed('public.bill');
  expect(rows.get('{"id":2,"day":12}')?.['body'] === LONG).toBe(true);
  expect(rows.get('{"id":1000,"day":4}')?.['body'] === LONG).toBe(true);
  await bed.expectCopy('public.bill');
});

async function replayed(table: string): Promise<Map<string, Record<string, unknown>>> {
  await bed.caughtUp();
  return (await replay(bed.bus, table)) as Map<string, Record<string, unknown>>;
}

test('a root joins the feed only after open changes of its partitions have ended', async () => {
  await createPartitioned('ticket');
  const writer = new pg.Client(bed.url);
  await writer.connect();
  await writer.query(`BEGIN; INSERT INTO ticket_2b (day, id, note) VALUES (11, 200, 'open')`);
  const steps: string[] = [];
  const joining = bed.source.ensureTables(['public.ticket'], signal).then(() => steps.push('joined'));
  await eventually('it waits for the writer', async () => {
    const rows = await bed.sql(
      `SELECT 1 FROM pg_locks WHERE relation = 'ticket_2b'::regclass AND NOT granted`,
    );
    return rows.length > 0;
  });
  steps.push('commit');
  await writer.query('COMMIT');
  await joining;
  await writer.end();
  expect(steps).toEqual(['commit', 'joined']);
  await bed.snapshot(['public.ticket']);
  await bed.expectCopy('public.ticket');
});

test('a partition is not a table of its own, and a foreign identity in one of them keeps the root out', async () => {
  await createPartitioned('odd');
  await bed.sql('ALTER TABLE odd_2b REPLICA IDENTITY NOTHING');
  await expect(
    bed.source.ensureTables(['public.odd_1', 'public.odd_2a', 'public.odd'], signal),
  ).rejects.toMatchObject({
    problems: [
      { table: 'public.odd_1', problem: 'partition', remedy: 'name odd instead' },
      { table: 'public.odd_2a', problem: 'partition', remedy: 'name odd instead' },
      {
        table: 'public.odd',
        problem: 'replica-identity',
        remedy: 'ALTER TABLE odd_2b REPLICA IDENTITY DEFAULT;',
      },
    ],
  });
});

test('a table that others inherit from is its own rows; theirs are their own', async () => {
  await bed.sql(`CREATE TABLE animal (id int PRIMARY KEY, name text);
    CREATE TABLE dog (tail int, PRIMARY KEY (id)) INHERITS (animal);
    INSERT INTO animal VALUES (1, 'read'); INSERT INTO dog VALUES (2, 'read', 1)`);
  await copyTable('public.animal');
  await bed.sql(`INSERT INTO animal VALUES (3, 'streamed'); INSERT INTO dog VALUES (4, 'streamed', 1);
    UPDATE animal SET name = 'changed'`);
  await bed.expectCopy('public.animal');
  expect(await operations('public.animal')).toEqual(['r', 'c', 'u', 'u']);
  expect(await operations('public.dog')).toEqual([]);
  await copyTable('public.dog');
  await bed.expectCopy('public.dog');
  await bed.source.removeTables(['public.animal'], signal);
  await bed.sql(`INSERT INTO animal VALUES (5, 'unheard'); INSERT INTO dog VALUES (6, 'heard', 1)`);
  await bed.expectCopy('public.dog');
  expect((await operations('public.animal')).length).toBe(4);
});

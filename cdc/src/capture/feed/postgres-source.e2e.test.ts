import { afterAll, beforeAll, expect, test } from '@jest/globals';
import pg from 'pg';
import { createMemoryBus } from '../../../testing/beds/memory-bus.ts';
import {
  createTestBed,
  eventually,
  withNamedTables,
  type TestBed,
} from '../../../testing/beds/reader-test-bed.ts';
import { startReader } from '../reader/reader.ts';
import { parseLsn } from '../../rows/lsn.ts';
import { createPostgresSource } from './postgres-source.ts';
import { SourceTableError } from './source-table-error.ts';

let bed: TestBed;
const signal = AbortSignal.timeout(300_000);

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

test('the membership of a table is another one whenever it left the feed, though it is back', async () => {
  await bed.sql('CREATE TABLE member (a int PRIMARY KEY)');
  const look = (): Promise<string> => bed.source.feedMembership(['public.member', 'public.none'], signal);
  const seen = [await look()];
  expect(seen[0]).toMatch(/^publication=\d+\/\d+ public\.member=absent public\.none=absent$/);
  await bed.source.ensureTables(['public.member'], signal);
  seen.push(await look());
  await bed.sql('ALTER TABLE member ADD COLUMN b text'); // is no reason for a new copy
  await bed.source.ensureTables(['public.member'], signal);
  expect(await look()).toBe(seen[1]);
  await bed.source.removeTables(['public.member'], signal);
  await bed.source.ensureTables(['public.member'], signal);
  seen.push(await look());
  await bed.sql('DROP TABLE member; CREATE TABLE member (a int PRIMARY KEY)');
  await bed.source.ensureTables(['public.member'], signal);
  seen.push(await look());
  expect(new Set(seen).size).toBe(4);
  await bed.sql('DROP TABLE member');
});

test('the membership tells of a publication that was narrowed and put right again, and of nothing that is ours', async () => {
  await bed.sql('CREATE TABLE narrow (a int PRIMARY KEY, b int); CREATE TABLE beside (a int PRIMARY KEY)');
  await bed.source.ensureTables(['public.narrow'], signal);
  const look = (): Promise<string> => bed.source.feedMembership(['public.narrow'], signal);
  let last = await look();
  const changes: readonly (readonly [away: string, back: string])[] = [
    [`SET (publish = 'insert')`, `SET (publish = 'insert, update, delete, truncate')`],
    ['SET (publish_via_partition_root = false)', 'SET (publish_via_partition_root = true)'],
    ['SET TABLE banyan.signal, narrow WHERE (a > 5)', 'SET TABLE banyan.signal, narrow'],
    ['SET TABLE banyan.signal, narrow (a)', 'SET TABLE banyan.signal, narrow'],
    ['DROP TABLE ONLY narrow', 'ADD TABLE ONLY narrow'],
  ];
  for (const [away, back] of changes) {
    await bed.sql(`ALTER PUBLICATION ${bed.publication} ${away}`);
    await bed.sql(`ALTER PUBLICATION ${bed.publication} ${back}`);
    const now = await look();
    expect([away, now]).not.toEqual([away, last]);
    last = now;
  }
  await bed.sql(`ALTER PUBLICATION ${bed.publication} RENAME TO elsewhere`);
  expect(await look()).toMatch(/^publication=absent/);
  await bed.sql(`ALTER PUBLICATION elsewhere RENAME TO ${bed.publication}`);
  expect(await look()).not.toBe(last);
  last = await look();
  // Ours: tables of others come and go, the server looks after its catalogs.
  await bed.source.ensureTables(['public.beside'], signal);
  await bed.source.removeTables(['public.beside'], signal);
  await bed.sql('VACUUM (FREEZE, FULL) pg_publication');
  await bed.sql('VACUUM (FREEZE, FULL) pg_publication_rel');
  await bed.sql('ANALYZE');
  expect(await look()).toBe(last);
  await bed.source.removeTables(['public.narrow'], signal);
  await bed.sql('DROP TABLE narrow, beside');
});

test('two tables whose topics would be one are refused, also one after the other', async () => {
  await bed.sql('CREATE TABLE "tax§1" (id int PRIMARY KEY); CREATE TABLE "tax-1" (id int PRIMARY KEY)');
  await bed.sql('CREATE TABLE tax_1 (id int PRIMARY KEY)');
  const taken = (table: string, found: string) => ({ problems: [{ table, problem: 'topic-taken', found }] });
  await expect(
    bed.source.ensureTables(['public.tax§1', 'public.tax-1', 'public.tax_1'], signal),
  ).rejects.toMatchObject(taken('public.tax_1', 'public.tax§1'));
  await bed.source.ensureTables(['public.tax§1', 'public.tax-1'], signal);
  await expect(bed.source.ensureTables(['public.tax_1'], signal)).rejects.toMatchObject(
    taken('public.tax_1', 'public.tax§1'),
  );
  await bed.sql('CREATE SCHEMA public_tax; CREATE TABLE public_tax."1" (id int PRIMARY KEY)');
  await expect(bed.source.ensureTables(['public_tax.1'], signal)).rejects.toMatchObject(
    taken('public_tax.1', 'public.tax§1'),
  );
  await bed.source.removeTables(['public.tax§1', 'public.tax-1'], signal);
});

test('names every table that the feed cannot carry, why, and what mends it, and adds none', async () => {
  await bed.sql(`
    CREATE TABLE nearly (a int NOT NULL, b int NOT NULL); CREATE UNIQUE INDEX nearly_a ON nearly (a);
    CREATE UNLOGGED TABLE fleeting (a int PRIMARY KEY);
    CREATE TABLE silent (a int PRIMARY KEY); ALTER TABLE silent REPLICA IDENTITY NOTHING;
    CREATE TABLE derived (a int, b int GENERATED ALWAYS AS (a) STORED, PRIMARY KEY (a, b));
    CREATE TABLE "Upper" (a int PRIMARY KEY);
    CREATE TABLE odd (a int PRIMARY KEY, "__proto__" text);
    CREATE VIEW seen AS SELECT * FROM fit; CREATE MATERIALIZED VIEW kept AS SELECT * FROM fit;
    CREATE FOREIGN DATA WRAPPER far; CREATE SERVER far FOREIGN DATA WRAPPER far; CREATE FOREIGN TABLE away (a int) SERVER far`);
  const unfit: readonly (readonly [table: string, problem: string, said: string])[] = [
    ['public.none', 'missing', 'no such table'],
    ['public.upper', 'missing', 'name it as it is, public.Upper'],
    ['public."Upper"', 'missing', 'name it as it is, public.Upper'],
    ['Upper', 'name', 'schema.table'],
    ['public.a.b', 'name', 'RENAME'],
    ['public.keyless', 'no-primary-key', 'ADD COLUMN id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY'],
    [
      'public.nearly',
      'no-primary-key',
      'ALTER TABLE "public"."nearly" ADD PRIMARY KEY USING INDEX nearly_a;',
    ],
    ['public.derived', 'generated-key', 'generated column'],
    ['public.by_index', 'replica-identity', 'ALTER TABLE by_index REPLICA IDENTITY DEFAULT;'],
    ['public.silent', 'replica-identity', 'ALTER TABLE silent REPLICA IDENTITY DEFAULT;'],
    ['public.odd', 'column-name', 'RENAME COLUMN "__proto__"'],
    ['public.fleeting', 'unlogged', 'ALTER TABLE "public"."fleeting" SET LOGGED;'],
    ['public.seen', 'not-a-table', 'a view: name the tables that it reads'],
    ['public.kept', 'not-a-table', 'a materialized view'],
    ['public.away', 'not-a-table', 'a foreign table'],
    ['pg_catalog.pg_class', 'system', 'not a table of the application'],
    ['banyan.signal', 'system', 'not a table of the application'],
  ];
  const error = await bed.source.ensureTables(['public.fit', ...unfit.map(([table]) => table)], signal).then(
    () => null,
    (reason: unknown) => reason as SourceTableError,
  );
  expect(error).toBeInstanceOf(SourceTableError);
  expect(error?.problems.map(({ table, problem }) => [table, problem])).toEqual(
    unfit.map(([table, problem]) => [table, problem]),
  );
  const lines = error?.message.split('\n').slice(1) ?? [];
  unfit.forEach(([table, , said], n) => {
    expect(lines[n]?.startsWith(`  - ${table}: `)).toBe(true);
    expect(lines[n]).toContain(said);
  });
  expect(await published()).toEqual(['signal']);
});

test('a database that does not say what its text is in is refused', async () => {
  const name = `${bed.slot}_ascii`;
  await bed.sql(
    `CREATE DATABASE ${name} ENCODING 'SQL_ASCII' TEMPLATE template0 LOCALE_PROVIDER libc LOCALE 'C'`,
  );
  const url = new URL(`/${name}`, bed.url).href;
  const source = createPostgresSource({ url, slot: bed.slot, publication: bed.publication });
  try {
    const client = new pg.Client(url);
    await client.connect();
    await client.query('CREATE TABLE t (id int PRIMARY KEY)');
    await client.end();
    await expect(source.describeTables(['public.t'], signal)).rejects.toMatchObject({
      problems: [{ problem: 'encoding', remedy: expect.stringContaining('createdb -E UTF8') }],
    });
  } finally {
    await source.close();
    await bed.sql(`DROP DATABASE ${name}`);
  }
});

test('the remedies mend', async () => {
  const tables = ['keyless', 'nearly', 'by_index', 'silent', 'fleeting'].map((name) => `public.${name}`);
  const error = await bed.source
    .ensureTables(tables, signal)
    .catch((reason: unknown) => reason as SourceTableError);
  const problems = error instanceof SourceTableError ? error.problems : [];
  for (const { remedy = '' } of problems) await bed.sql(remedy.replace(/ \(this rewrites.*/, ''));
  expect(problems).toHaveLength(5);
  await bed.source.ensureTables(tables, signal);
  await bed.source.removeTables(tables, signal);
});

test('a role that may not see every column and every row is told, before a copy lacks them', async () => {
  const [role, owner] = [`"Reader of ${bed.slot}"`, `owner_of_${bed.slot}`];
  await bed.sql(`
    CREATE ROLE ${role} LOGIN PASSWORD 'secret'; CREATE ROLE ${owner};
    CREATE TABLE guarded (id int PRIMARY KEY, secret text, note text);
    GRANT SELECT (id, note) ON guarded TO ${role};
    CREATE TABLE screened (id int PRIMARY KEY); GRANT SELECT ON screened TO ${role};
    ALTER TABLE screened ENABLE ROW LEVEL SECURITY; CREATE POLICY part ON screened USING (id > 1);
    INSERT INTO screened VALUES (1), (2)`);
  const url = new URL(bed.url);
  url.username = encodeURIComponent(`Reader of ${bed.slot}`);
  url.password = 'secret';
  const source = withNamedTables(
    createPostgresSource({ url: url.href, slot: bed.slot, publication: bed.publication }),
  );
  try {
    await expect(source.ensureTables(['public.guarded', 'public.screened'], signal)).rejects.toMatchObject({
      problems: [
        { problem: 'unreadable', found: 'secret', remedy: `GRANT SELECT ON "public"."guarded" TO ${role};` },
        { problem: 'hidden-rows', remedy: expect.stringContaining(`ALTER ROLE ${role} BYPASSRLS;`) },
      ],
    });
    await bed.sql(
      `CREATE TABLE foreign_owned (id int PRIMARY KEY); GRANT SELECT ON foreign_owned TO ${role}`,
    );
    await expect(source.ensureTables(['public.foreign_owned'], signal)).rejects.toMatchObject({
      problems: [{ table: 'public.foreign_owned', problem: 'not-owner' }],
    });
    await bed.sql(`ALTER TABLE foreign_owned OWNER TO ${role}; REVOKE DELETE ON foreign_owned FROM ${role}`);
    await expect(source.ensureTables(['public.foreign_owned'], signal)).rejects.toMatchObject({
      problems: [
        { problem: 'untried', remedy: `GRANT UPDATE, DELETE ON "public"."foreign_owned" TO ${role};` },
      ],
    });
    const range = { table: 'public.screened', columns: ['id'], key: ['id'], limit: 9 };
    const asking = source.readPage({ ...range, afterKey: null, toKey: null }, signal);
    await expect(asking).rejects.toThrow('row-level security'); // rather than fewer rows
  } finally {
    await source.close();
    await bed.sql(
      `DROP TABLE guarded, screened, foreign_owned; DROP OWNED BY ${role}; DROP ROLE ${role}, ${owner}`,
    );
  }
});

test('a publication that is wider or narrower than what was asked for is refused, with the remedy', async () => {
  const refused = async (definition: string, words: string): Promise<void> => {
    await bed.sql(`DROP PUBLICATION ${bed.publication}; CREATE PUBLICATION ${bed.publication} ${definition}`);
    await expect(bed.source.ensureTables(['public.fit'], signal)).rejects.toThrow(words);
    const starting = startReader(bed.reader(createMemoryBus()));
    await expect(starting).rejects.toMatchObject({ code: 'publication-unfit' });
  };
  await refused('FOR ALL TABLES', `DROP PUBLICATION "${bed.publication}";`);
  await refused('FOR TABLES IN SCHEMA public', `DROP PUBLICATION "${bed.publication}";`);
  await refused(
    `FOR TABLE banyan.signal WITH (publish = 'insert, update, delete')`,
    "SET (publish = 'insert",
  );
  await bed.sql(`DROP PUBLICATION ${bed.publication};
    CREATE PUBLICATION ${bed.publication} FOR TABLE banyan.signal, fit WHERE (a > 5), by_index (a)`);
  await expect(bed.source.ensureTables(['public.fit', 'public.by_index'], signal)).rejects.toMatchObject({
    problems: [
      { table: 'public.by_index', problem: 'narrowed' },
      {
        table: 'public.fit',
        problem: 'narrowed',
        remedy: expect.stringContaining('DROP TABLE ONLY "public"."fit";'),
      },
    ],
  });
  await bed.source.removeTables(['public.fit', 'public.by_index'], signal);
  await bed.source.ensureTables(['public.fit'], signal);
  expect(await published()).toEqual(['fit', 'signal']);
  await bed.source.removeTables(['public.fit'], signal);
  await bed.sql(`DROP PUBLICATION ${bed.publication}`);
  await expect(bed.source.ensureTables(['public.fit'], signal)).rejects.toThrow('Start the reader');
  await bed.source.removeTables(['public.fit'], signal);
  await bed.sql(`CREATE PUBLICATION ${bed.publication} FOR TABLE banyan.signal`);
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
      notNull: ['b', 'a'],
      uniqueKeys: [expect.arrayContaining(['a', 'b'])],
      columns: { b: 'text', a: 'integer', big: 'bigint', at: 'timestamp with time zone' },
      estimatedRows: 30,
    },
  ]);
});

test('reads rows in a range of a composite key, decoded as envelopes are', async () => {
  const range = { table: 'public.fit', columns: ['a', 'b', 'big', 'at'], key: ['a', 'b'], limit: 100 };
  const { rows: all } = await bed.source.readPage({ ...range, afterKey: null, toKey: null }, signal);
  expect(all).toHaveLength(30);
  expect(all[0]).toEqual({ a: 0, b: 'a', big: 9007199254740993n, at: '2026-01-01T00:00:00.000001Z' });
  const some = await bed.source.readPage({ ...range, afterKey: ['2', 'b'], toKey: ['3', 'a'] }, signal);
  expect(some.rows.map((row) => [row['a'], row['b']])).toEqual([
    [2, 'c'],
    [3, 'a'],
  ]);
  const first = await bed.source.readPage({ ...range, afterKey: null, toKey: null, limit: 2 }, signal);
  expect(first.rows).toEqual(all.slice(0, 2));
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

test('tells of every slot of the server and the WAL that it keeps, also when nobody reads it', async () => {
  const other = `${bed.slot}_other`;
  await bed.sql('SELECT pg_create_logical_replication_slot($1, $2)', [other, 'pgoutput']);
  const before = await bed.source.walRetention(signal);
  await bed.sql(`SELECT pg_logical_emit_message(true, 'x', repeat('x', 1000000))`);
  const after = await bed.source.walRetention(signal);
  const retained = ({ slots }: typeof after): number =>
    slots.find(({ name }) => name === other)?.retainedWalBytes ?? 0;
  expect(after.slots.find(({ name }) => name === other)).toMatchObject({
    kind: 'logical',
    active: false,
    walStatus: 'reserved',
    inactiveSinceMs: expect.any(Number) as unknown,
  });
  expect(retained(after)).toBeGreaterThan(retained(before) + 900_000);
  const [limit] = await bed.sql(`SELECT pg_size_bytes(current_setting('max_slot_wal_keep_size')) AS bytes`);
  expect(after.maxSlotWalKeepBytes).toBe(Number(limit?.['bytes']));
  const safe = ({ slots }: typeof after): number =>
    slots.find(({ name }) => name === other)?.safeWalBytes ?? 0;
  expect(safe(before) - safe(after)).toBeGreaterThan(900_000);
  expect(parseLsn(after.walLsn)).toBeGreaterThan(parseLsn(before.walLsn));
  await bed.sql('SELECT pg_drop_replication_slot($1)', [other]);
});

test('a question that is aborted ends at once, and the next one is answered', async () => {
  const blocker = new pg.Client(bed.url);
  await blocker.connect();
  await blocker.query('BEGIN; LOCK TABLE fit IN ACCESS EXCLUSIVE MODE');
  const abort = new AbortController();
  const asking = bed.source.readPage(
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

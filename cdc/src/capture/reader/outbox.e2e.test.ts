/** An outbox table through the embedded reader: rows in, events out. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { tableTopic } from '@banyan/contracts';
import type { StoredRecord } from '../../bus/bus.ts';
import { createMemoryBus } from '../../../testing/beds/memory-bus.ts';
import { createPostgresSource } from '../feed/postgres-source.ts';
import type { PostgresSource } from '../feed/postgres-source.ts';
import { SourceTableError } from '../feed/source-table-error.ts';
import { tableSnapshotProgress } from '../table-snapshot/table-snapshot-progress.ts';
import {
  caughtUp,
  createTestBed,
  eventually,
  PREFIX,
  readTopic,
  withNamedTables,
  type NamedTables,
  type TestBed,
} from '../../../testing/beds/reader-test-bed.ts';
import { startReader, type Reader } from './reader.ts';

const OUTBOX = 'public.outbox';
const signal = AbortSignal.timeout(300_000);
const bus = createMemoryBus();
let bed: TestBed;
let reader: Reader;

beforeAll(async () => {
  bed = await createTestBed('outbox');
  await bed.sql(`
    CREATE TABLE sale (id int PRIMARY KEY, total numeric);
    CREATE TABLE outbox (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), aggregatetype text NOT NULL,
      aggregateid text NOT NULL, type text, payload jsonb);
    INSERT INTO outbox (aggregatetype, aggregateid) VALUES ('sale', 'before')`);
  reader = await startReader({ ...bed.reader(bus), outboxTable: OUTBOX });
  await bed.source.ensureTables([OUTBOX, 'public.sale'], signal);
});
afterAll(async () => {
  await reader.close();
  await bed.close();
});

async function events(type: string): Promise<readonly StoredRecord[]> {
  await caughtUp(bed);
  return await readTopic(bus, `outbox.event.${type}`);
}

test('a row and its event, committed together, are told together', async () => {
  const [event] = await bed.sql(`WITH sale AS (INSERT INTO sale VALUES (1, 9.90) RETURNING *)
    INSERT INTO outbox (aggregatetype, aggregateid, type, payload)
    SELECT 'sale', id, 'sold', jsonb_build_object('total', total, 'n', 9007199254740993) FROM sale RETURNING id, payload::text`);
  const [told] = await events('sale');
  expect(told).toMatchObject({ key: '"1"', headers: { id: event?.['id'] } });
  expect(JSON.parse(told?.value ?? '')).toBe(event?.['payload']);
  expect(event?.['payload']).toContain('9007199254740993');
  expect(await readTopic(bus, tableTopic(PREFIX, 'public.sale'))).toHaveLength(1);
});

test('what happens to the row afterwards is no event', async () => {
  await bed.sql(`BEGIN;
    INSERT INTO outbox (aggregatetype, aggregateid) VALUES ('gone', 1); DELETE FROM outbox WHERE aggregatetype = 'gone'; COMMIT`);
  await bed.sql(`UPDATE outbox SET type = 'sent'`);
  const sold = (await events('sale')).length;
  await bed.sql('TRUNCATE outbox, sale');
  expect(await events('gone')).toMatchObject([{ key: '"1"', value: 'null' }]);
  expect(await events('sale')).toHaveLength(sold);
  expect(await readTopic(bus, tableTopic(PREFIX, OUTBOX))).toEqual([]);
  const sales = await readTopic(bus, tableTopic(PREFIX, 'public.sale'));
  expect(JSON.parse(sales.at(-1)?.value ?? '')).toMatchObject({ op: 't' });
});

test('a table snapshot tells the rows that are there as events again, by their ids', async () => {
  await bed.sql(
    `INSERT INTO outbox (aggregatetype, aggregateid) SELECT 'kept', n FROM generate_series(1, 300) n`,
  );
  const before = await events('kept');
  const id = await bed.source.requestTableSnapshot([OUTBOX], signal);
  await eventually('the table snapshot is taken', async () =>
    (await tableSnapshotProgress(bus, PREFIX, signal)).some(
      (table) => table.id === id && table.state === 'completed',
    ),
  );
  const ids = (records: readonly StoredRecord[]): unknown[] => records.map(({ headers }) => headers['id']);
  const all = await events('kept');
  expect(all).toHaveLength(600);
  expect(ids(all.slice(300)).sort()).toEqual(ids(before).sort());
});

test('a column that was dropped stops the feed, aloud, and nothing is lost by it', async () => {
  await bed.sql(`ALTER TABLE outbox RENAME payload TO body`);
  await bed.sql(`INSERT INTO outbox (aggregatetype, aggregateid, body) VALUES ('renamed', 1, '{}')`);
  await eventually('the reader says why', () =>
    reader.status().problem?.includes('without the column payload'),
  );
  await reader.close();
  reader = await startReader(bed.reader(bus));
  await caughtUp(bed);
  const [told] = await readTopic(bus, tableTopic(PREFIX, OUTBOX));
  expect(JSON.parse(told?.value ?? '')).toMatchObject({
    op: 'c',
    after: { aggregatetype: 'renamed', body: '{}' },
  });
  await bed.sql(`ALTER TABLE outbox RENAME body TO payload`);
});

test('a table that is no outbox is refused with everything that is wrong, and the SQL mends it', async () => {
  await bed.sql(`
    CREATE DOMAIN kind AS varchar(40) NOT NULL;
    CREATE TABLE fit (id bigint PRIMARY KEY, aggregatetype kind, aggregateid uuid NOT NULL, payload text);
    CREATE TABLE unfit (id serial, aggregatetype varchar(9), aggregateid numeric, more int, PRIMARY KEY (id, more),
      payload text GENERATED ALWAYS AS ('x') STORED)`);
  const sourceOf = (outboxTable: string): NamedTables<PostgresSource> =>
    withNamedTables(
      createPostgresSource({ url: bed.url, slot: bed.slot, publication: bed.publication, outboxTable }),
    );
  const [fit, unfit, missing] = ['public.fit', 'public.unfit', 'public.none'].map(sourceOf);
  try {
    await fit?.ensureTables(['public.fit'], signal);
    await bed.sql(`ALTER TABLE fit ALTER payload SET DEFAULT ''`);
    const defaulted = await fit?.ensureTables(['public.fit'], signal).catch((error: unknown) => error);
    const [told] = defaulted instanceof SourceTableError ? defaulted.problems : [];
    expect(told?.found).toMatch(/^payload may be null and has a default/);
    await bed.sql(told?.remedy ?? '');
    await fit?.ensureTables(['public.fit'], signal);
    await missing?.ensureTables(['public.fit'], signal); // only the outbox has to be one
    await expect(missing?.ensureTables(['public.none'], signal)).rejects.toMatchObject({
      problems: [{ table: 'public.none', problem: 'missing' }],
    });
    const asked = await unfit
      ?.ensureTables(['public.unfit', 'public.none'], signal)
      .catch((error: unknown) => error);
    expect(asked).toBeInstanceOf(SourceTableError);
    const [none, problem] = (asked as SourceTableError).problems;
    expect(none).toMatchObject({ table: 'public.none', problem: 'missing' });
    expect(problem).toMatchObject({
      table: 'public.unfit',
      problem: 'not-an-outbox',
      found:
        'aggregatetype may be null; aggregateid is numeric, wanted text, character varying, uuid, smallint, integer, ' +
        'bigint; aggregateid may be null; payload is generated',
    });
    await bed.sql(problem?.remedy ?? '');
    await unfit?.ensureTables(['public.unfit'], signal);
  } finally {
    for (const source of [fit, unfit, missing]) await source?.close();
  }
});

/** Tables that join and leave a feed while it runs and others write. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import pg from 'pg';
import { createFeedTestBed, type FeedTestBed } from '../../../testing/beds/feed-test-bed.ts';
import { envelopeOf, eventually } from '../../../testing/beds/reader-test-bed.ts';

let bed: FeedTestBed;
const signal = AbortSignal.timeout(300_000);

beforeAll(async () => {
  bed = await createFeedTestBed('running_feed');
  await bed.sql(`CREATE TABLE steady (id int PRIMARY KEY); CREATE TABLE guest (id serial PRIMARY KEY, writer int);
    CREATE TABLE bystander (id int PRIMARY KEY)`);
  await bed.start();
  await bed.source.ensureTables(['public.steady'], signal);
});
afterAll(() => bed.close());

async function published(): Promise<unknown[]> {
  const rows = await bed.sql('SELECT tablename FROM pg_publication_tables WHERE pubname = $1 ORDER BY 1', [
    bed.publication,
  ]);
  return rows.map((row) => row['tablename']);
}

/** Ids of the rows that were streamed, not read by a table snapshot. */
async function streamed(table: string): Promise<number[]> {
  await bed.caughtUp();
  const envelopes = (await bed.records(table)).map(envelopeOf);
  return envelopes.flatMap((envelope) => (envelope?.op === 'c' ? Number(envelope.after?.['id']) : []));
}

interface Writers {
  /** Ids committed so far, in order of their commits as the writers saw them. */
  readonly committed: readonly number[];
  stop(): Promise<void>;
}

/** Several clients that write without pause, now in one statement, now in a transaction that stays open a while. */
async function startWriters(count: number): Promise<Writers> {
  const committed: number[] = [];
  let stopped = false;
  const clients = await Promise.all(
    Array.from({ length: count }, async () => {
      const client = new pg.Client(bed.url);
      await client.connect();
      return client;
    }),
  );
  const insert = async (client: pg.Client, writer: number): Promise<number> => {
    const { rows } = await client.query<{ id: number }>(
      'INSERT INTO guest (writer) VALUES ($1) RETURNING id',
      [writer],
    );
    return rows[0]?.id ?? NaN;
  };
  const write = async (client: pg.Client, writer: number): Promise<void> => {
    while (!stopped) {
      const made = [await insert(client, writer)];
      committed.push(...made.splice(0));
      await client.query('BEGIN');
      made.push(await insert(client, writer));
      await client.query('SELECT pg_sleep(0.05)');
      made.push(await insert(client, writer));
      await client.query('COMMIT');
      committed.push(...made);
    }
    await client.end();
  };
  const running = clients.map(write);
  return {
    committed,
    async stop() {
      stopped = true;
      await Promise.all(running);
    },
  };
}

test('nothing is lost once a table has joined, and nothing comes once it has left, while writers go on', async () => {
  const writers = await startWriters(4);
  await eventually('they write', () => writers.committed.length > 40);
  await bed.source.ensureTables(['public.guest'], signal);
  // By the server's own word: an answer of a commit from before may be read after the answer of the join.
  const [joined] = await bed.sql('SELECT pg_current_snapshot()::text AS snapshot');
  const before = writers.committed.length;
  await bed.source.requestTableSnapshot(['public.guest'], signal);
  await bed.sql('INSERT INTO steady VALUES (1)');
  await eventually('they wrote on', () => writers.committed.length > before + 60);
  await writers.stop();
  await bed.snapshotsDone();
  const heard = new Set(await streamed('public.guest'));
  const later = await bed.sql(
    'SELECT id FROM guest WHERE NOT pg_visible_in_snapshot(xmin::text::xid8, $1::pg_snapshot)',
    [joined?.['snapshot']],
  );
  expect(later.length).toBeGreaterThan(40);
  expect(later.map(({ id }) => Number(id)).filter((id) => !heard.has(id))).toEqual([]);
  await bed.expectCopy('public.guest'); // those from before it joined came with the table snapshot

  const again = await startWriters(4);
  await eventually('they write', () => again.committed.length > 20);
  await bed.source.removeTables(['public.guest'], signal);
  const [mark] = await bed.sql('SELECT max(id) AS id FROM guest');
  await bed.sql('INSERT INTO steady VALUES (2)');
  await eventually('they wrote on', () => again.committed.length > 60);
  await again.stop();
  const last = Number(mark?.['id']);
  const late = again.committed.filter((id) => id > last + 2 * 4); // all but what was open when it left
  expect(late.length).toBeGreaterThan(10);
  const known = new Set(await streamed('public.guest'));
  expect(late.filter((id) => known.has(id))).toEqual([]);
  expect(await streamed('public.steady')).toEqual([1, 2]);
});

test('the publication holds the tables asked for and the signal table, whoever comes and goes', async () => {
  await bed.source.ensureTables(['public.guest', 'public.steady'], signal);
  expect(await published()).toEqual(['guest', 'signal', 'steady']);
  await bed.source.removeTables(['public.guest', 'public.bystander', 'banyan.signal', 'public.none'], signal);
  expect(await published()).toEqual(['signal', 'steady']);
  await bed.snapshot(['public.steady']);
});

test('two slices may ask for the same table at once, and one may leave while another joins', async () => {
  await bed.sql(
    'DROP TABLE IF EXISTS a, b; CREATE TABLE a (id int PRIMARY KEY); CREATE TABLE b (id int PRIMARY KEY)',
  );
  await Promise.all([
    bed.source.ensureTables(['public.a', 'public.b'], signal),
    bed.source.ensureTables(['public.b', 'public.a'], signal),
    bed.source.removeTables(['public.bystander'], signal),
  ]);
  await Promise.all([
    bed.source.removeTables(['public.a'], signal),
    bed.source.ensureTables(['public.b', 'public.guest'], signal),
  ]);
  expect(await published()).toEqual(['b', 'guest', 'signal', 'steady']);
});

/** Faults that need a server of the test's own: it is restarted, and its commits wait for a standby that is not there. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { tableTopic, UNAVAILABLE_VALUE } from '@banyan/contracts';
import { startCluster, type RunningCluster } from '@banyan/postgres';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { createMemoryBus } from '../beds/memory-bus.ts';
import { createRowReread } from '../../src/verify/row-reread.ts';
import {
  caughtUp,
  createTestBed,
  envelopeOf,
  eventually,
  PREFIX,
  readTopic,
  replay,
  type TestBed,
} from '../beds/reader-test-bed.ts';
import { startReader, type Reader } from '../../src/capture/reader/reader.ts';

let dir: string;
let cluster: RunningCluster;
let bed: TestBed;
let reader: Reader;
const bus = createMemoryBus();
const signal = AbortSignal.timeout(300_000);
const settings = { fsync: 'off' };
const LONG = 'x'.repeat(9_000);

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'banyan-reader-'));
  cluster = await startCluster({ dir, settings });
  bed = await createTestBed('own_server', cluster.adminUrl);
  await bed.sql('CREATE TABLE note (id int PRIMARY KEY, body text, big text)');
  await bed.sql('ALTER TABLE note ALTER COLUMN big SET STORAGE EXTERNAL');
  reader = await startReader(bed.reader(bus));
  await bed.source.ensureTables(['public.note'], signal);
}, 180_000);
afterAll(async () => {
  await reader.close();
  await bed.close();
  await cluster.close();
  await rm(dir, { recursive: true, force: true });
});

/** Makes every commit that does not say otherwise wait for a standby; undone by `''`. */
async function waitForStandby(name: string): Promise<void> {
  await bed.sql(`ALTER SYSTEM SET synchronous_standby_names = '${name}'`);
  await bed.sql('SELECT pg_reload_conf()');
  // Read by a new session each time: the pool's may have the setting of before.
  await eventually('the setting holds', async () => {
    const client = new pg.Client(bed.url);
    await client.connect();
    try {
      const { rows } = await client.query<{ synchronous_standby_names: string }>(
        'SHOW synchronous_standby_names',
      );
      return rows[0]?.synchronous_standby_names === name;
    } finally {
      await client.end();
    }
  });
}

/** A commit that is in the WAL, and that nobody sees until the standby is forgiven. */
async function invisibleCommit(sql: string): Promise<{ finish(): Promise<void> }> {
  const client = new pg.Client(bed.url);
  await client.connect();
  const done = client.query(sql);
  await eventually('it waits for the standby', async () => {
    const rows = await bed.sql(`SELECT 1 FROM pg_stat_activity WHERE wait_event = 'SyncRep'`);
    return rows.length > 0;
  });
  return {
    async finish() {
      await done;
      await client.end();
    },
  };
}

async function bodies(): Promise<unknown[]> {
  return (await readTopic(bus, tableTopic(PREFIX, 'public.note'))).map((record) => [
    envelopeOf(record)?.op,
    envelopeOf(record)?.after?.['body'],
  ]);
}

test('a commit that is streamed but not visible yet is not overtaken by an older row of a table snapshot', async () => {
  await bed.sql(`INSERT INTO note VALUES (1, 'old', '${LONG}')`);
  await caughtUp(bed);
  await waitForStandby('nobody');
  const commit = await invisibleCommit(`UPDATE note SET body = 'new' WHERE id = 1`);
  await eventually('it is streamed', async () =>
    (await bodies()).some((body) => (body as unknown[])[1] === 'new'),
  );
  expect((await bed.sql('SELECT body FROM note'))[0]).toEqual({ body: 'old' });

  const id = await bed.source.requestTableSnapshot(['public.note'], signal);
  await eventually('it was tried', () => reader.status().tableSnapshots[0]?.id === id);
  // Marks are written and streamed all the time: several attempts have passed by then.
  const heartbeat = reader.status().heartbeatAtMs ?? 0;
  await eventually('time has passed', () => (reader.status().heartbeatAtMs ?? 0) > heartbeat + 600);
  expect(reader.status().tableSnapshots).toHaveLength(1);
  expect((await bodies()).filter((body) => (body as unknown[])[0] === 'r')).toEqual([]);

  await waitForStandby('');
  await commit.finish();
  await eventually('it is done', () => reader.status().tableSnapshots.length === 0);
  expect((await bodies()).at(-1)).toEqual(['r', 'new']);
  expect([...(await replay(bus, 'public.note')).values()]).toMatchObject([{ id: 1, body: 'new', big: LONG }]);
});

test('a reader that takes over in that moment keeps to it too', async () => {
  await waitForStandby('nobody');
  const commit = await invisibleCommit(`UPDATE note SET body = 'newer' WHERE id = 1`);
  await eventually('it is streamed', async () =>
    (await bodies()).some((body) => (body as unknown[])[1] === 'newer'),
  );
  await reader.close();
  reader = await startReader(bed.reader(bus));
  await bed.source.requestTableSnapshot(['public.note'], signal);
  await eventually('it is asked for', () => reader.status().tableSnapshots.length === 1);
  const heartbeat = reader.status().heartbeatAtMs ?? 0;
  await eventually('time has passed', () => (reader.status().heartbeatAtMs ?? 0) > heartbeat + 600);
  expect((await bodies()).at(-1)).not.toEqual(['r', 'new']);
  await waitForStandby('');
  await commit.finish();
  await eventually('it is done', () => reader.status().tableSnapshots.length === 0);
  expect((await bodies()).at(-1)).toEqual(['r', 'newer']);
});

test('a row that is read again is no older than a commit that is streamed and not visible yet', async () => {
  await waitForStandby('nobody');
  const commit = await invisibleCommit(`UPDATE note SET body = 'newest' WHERE id = 1`);
  await eventually('it is streamed', async () =>
    (await bodies()).some((body) => (body as unknown[])[1] === 'newest'),
  );
  const before = await bodies();
  const read = createRowReread({ source: bed.source, bus, prefix: PREFIX }).readAgain(
    ...['public.note', [['1']], signal],
  );
  await eventually('it waits', async () => {
    const rows = await bed.sql(
      `SELECT 1 FROM pg_stat_activity
       WHERE query LIKE 'SELECT DISTINCT virtualtransaction%ANY%' AND datname = current_database()`,
    );
    return rows.length > 0;
  });
  expect(await bodies()).toEqual(before);
  await waitForStandby('');
  await commit.finish();
  await read;
  expect((await bodies()).slice(before.length)).toEqual([
    [undefined, undefined],
    ['r', 'newest'],
  ]);
});

test('a TOAST value is not re-read from a row older than the change', async () => {
  await bed.sql(`INSERT INTO note VALUES (2, 'old', '${LONG}')`);
  await waitForStandby('nobody');
  // The second update does not carry the value that the first one has set; others still see the one before.
  const commit = await invisibleCommit(
    `UPDATE note SET big = repeat('y', 9000) WHERE id = 2; UPDATE note SET body = 'late' WHERE id = 2`,
  );
  await eventually('it is stored', async () =>
    (await bodies()).some((body) => (body as unknown[])[1] === 'late'),
  );
  await waitForStandby('');
  await commit.finish();
  const envelopes = (await readTopic(bus, tableTopic(PREFIX, 'public.note'))).map(envelopeOf);
  const late = envelopes.find((envelope) => envelope?.after?.['body'] === 'late');
  expect([UNAVAILABLE_VALUE, 'y'.repeat(9_000)]).toContain(late?.after?.['big']);
});

test('PostgreSQL can shut down though its last WAL is of no interest to the feed', async () => {
  await reader.close();
  reader = await startReader({ ...bed.reader(bus), heartbeatIntervalMs: 60_000 });
  await bed.sql('CREATE TABLE elsewhere (id int)');
  await bed.sql('INSERT INTO elsewhere SELECT generate_series(1, 1000)');
  const closing = cluster.close().then(() => 'closed');
  const deadline = new AbortController();
  const late = sleep(15_000, 'still waits for the reader', { signal: deadline.signal }).catch(() => '');
  const outcome = await Promise.race([closing, late]);
  deadline.abort();
  if (outcome !== 'closed') process.kill(cluster.pid, 'SIGKILL');
  cluster = await startCluster({ dir, port: cluster.port, settings });
  await caughtUp(bed);
  expect(outcome).toBe('closed');
}, 180_000);

test('a restart of PostgreSQL, fast or by kill -9, loses nothing and does not have to wait for the reader', async () => {
  const before = (await bodies()).length;
  for (const [round, how] of (['fast', 'killed', 'fast'] as const).entries()) {
    await bed.sql(`INSERT INTO note VALUES (${100 + round}, 'before')`);
    if (how === 'fast') await cluster.close();
    else {
      process.kill(cluster.pid, 'SIGKILL');
      await cluster.close();
    }
    await eventually('the reader has noticed', () => reader.status().state === 'connecting');
    expect(reader.status().problem).not.toBeNull();
    cluster = await eventually('it is up again', () =>
      startCluster({ dir, port: cluster.port, settings }).catch(() => null),
    );
    await bed.sql(`INSERT INTO note VALUES (${200 + round}, 'after')`);
    await caughtUp(bed);
  }
  expect((await bodies()).slice(before)).toEqual(
    [0, 1, 2].flatMap(() => [
      ['c', 'before'],
      ['c', 'after'],
    ]),
  );
  expect(reader.status()).toMatchObject({ state: 'streaming', problem: null });
}, 180_000);

/** Two Banyans on one Connect: each looks after its own connector, and leaves the other's alone. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { tableTopic } from '@banyan/contracts';
import { setTimeout as sleep } from 'node:timers/promises';
import { createTestBed, eventually, type TestBed } from '../../../testing/beds/reader-test-bed.ts';
import { ConnectClient } from './connect-client.ts';
import {
  createDebeziumTestBed,
  expectCounted,
  type DebeziumTestBed,
} from '../../../testing/beds/debezium-test-bed.ts';
import { createPostgresSource, type PostgresSource } from '../feed/postgres-source.ts';
import { createDebeziumFeed, type DebeziumFeed, type DebeziumFeedOptions } from './debezium-feed.ts';

const TABLE = 'public.counters';
let dbz: DebeziumTestBed;
let otherBed: TestBed;
let otherOptions: DebeziumFeedOptions;
let otherDatabase: PostgresSource;
let other: DebeziumFeed;
let connect: ConnectClient;
const signal = (): AbortSignal => AbortSignal.timeout(60_000);
const names = async (): Promise<readonly string[]> =>
  (await connect.connectors(signal())).map(({ name }) => name).toSorted();

beforeAll(async () => {
  dbz = await createDebeziumTestBed('feed_a');
  otherBed = await createTestBed('feed_b');
  const { sourceOptions } = dbz;
  const url = new URL(otherBed.url);
  const theirs = { slot: `${otherBed.slot}_dbz`, publication: `${otherBed.slot}_dbz` };
  otherDatabase = createPostgresSource({ url: otherBed.url, ...theirs });
  otherOptions = {
    ...sourceOptions,
    ...theirs,
    postgres: otherDatabase,
    url: otherBed.url,
    prefix: 'other',
    // As control has it: the same first part of the name for all.
    connector: sourceOptions.connector,
    database: { ...sourceOptions.database, database: url.pathname.slice(1) },
  };
  other = createDebeziumFeed(otherOptions);
  connect = new ConnectClient(sourceOptions.connectUrl);
  for (const bed of [dbz.bed, otherBed]) {
    await bed.sql(`CREATE TABLE ${TABLE} (id int PRIMARY KEY, n int NOT NULL)`);
    await bed.sql(`INSERT INTO ${TABLE} SELECT i, 0 FROM generate_series(1, 5) i`);
  }
}, 180_000);
afterAll(async () => {
  await other.remove(signal()); // else its slot is read while the database goes
  await other.close();
  await otherDatabase.close();
  await otherBed.close();
  await dbz.close();
});

/** As the control plane does, all the time. */
function lookAfter(source: DebeziumFeed): { readonly done: string[]; stop(): Promise<void> } {
  const over = new AbortController();
  const done: string[] = [];
  const running = (async () => {
    while (!over.signal.aborted) {
      const what = await source.mend(signal());
      if (what !== null) done.push(what);
      await sleep(100);
    }
  })();
  return {
    done,
    async stop() {
      over.abort();
      await running;
    },
  };
}

test('both run, and neither touches the other, also when one begins anew', async () => {
  const table = { name: TABLE, columns: 'every' } as const;
  await Promise.all([dbz.source.ensureTables([table], signal()), other.ensureTables([table], signal())]);
  const looks = [lookAfter(dbz.source), lookAfter(other)];
  const written = [0, 0];
  const write = async (): Promise<void> => {
    for (const [index, bed] of [dbz.bed, otherBed].entries()) {
      const n = written[index] ?? 0;
      await bed.sql(`UPDATE ${TABLE} SET n = n + 1 WHERE id = $1`, [(n % 5) + 1]);
      written[index] = n + 1;
    }
  };
  try {
    for (let n = 0; n < 50; n += 1) await write();
    const both = await names();
    expect(both).toHaveLength(2);
    expect(looks.map(({ done }) => done)).toEqual([[], []]);

    const mine = both.filter((name) => name.includes(`.${dbz.sourceOptions.slot}.`));
    const [theirs = ''] = both.filter((name) => !mine.includes(name));
    await connect.remove(mine[0] ?? '', signal());
    await eventually('the one feed is begun anew', () =>
      looks[0]?.done.some((what) => what.includes('anew')),
    );
    await eventually('it runs', async () => (await dbz.source.state(signal())).state === 'running');
    for (let n = 0; n < 50; n += 1) await write();
    expect(await names()).toContain(theirs);
    expect(looks[1]?.done).toEqual([]);
    expect(await other.feedPosition(signal())).toMatchObject({ incarnation: 1, anewReason: null });
  } finally {
    await Promise.all(looks.map((look) => look.stop()));
  }
  await eventually('all is told', async () => {
    const [end] = await dbz.bus.ends([tableTopic('other', TABLE)]);
    return (end?.nextOffset ?? 0) > 0 && (await told()).length === written[1];
  });
  expectCounted(await told(), written[1] ?? 0);
}, 240_000);

const told = () => dbz.topicRecords(tableTopic('other', TABLE));

test('topics that another feed writes to are refused by name, and nothing of either is changed', async () => {
  const before = await names();
  const greedy = createDebeziumFeed({
    ...otherOptions,
    prefix: 'shop',
    slot: 'greedy',
    publication: 'greedy',
  });
  try {
    await expect(greedy.mend(signal())).rejects.toMatchObject({
      code: 'topics-foreign',
      message: expect.stringMatching(
        /topics shop\.\* are written by .*TOPIC_PREFIX.*curl -X DELETE http:.*\/connectors\//,
      ),
    });
    await expect(greedy.feedPosition(signal())).rejects.toMatchObject({ code: 'topics-foreign' });
    expect(await names()).toEqual(before);
    expect(await otherBed.sql(`SELECT FROM pg_replication_slots WHERE slot_name = 'greedy'`)).toEqual([]);
  } finally {
    await greedy.close();
  }
});

test('a slot of the same name on another server is another one; ours that moved is ours', async () => {
  const [theirs] = (await connect.connectors(signal())).filter(({ name }) =>
    name.includes(`.${otherOptions.slot}.`),
  );
  if (!theirs) throw new Error('no connector');
  // As a Banyan of the same slot name sees it whose server is another one, at another address.
  const name = theirs.name.replace(/\d+$/, '1');
  const { database } = dbz.sourceOptions.database;
  const foreign = { ...theirs.config, name, 'database.dbname': database, 'banyan.system.id': '1' };
  await connect.putConfig(name, foreign, signal());
  await eventually('it is listed', async () => (await names()).includes(name));
  expect(await other.mend(signal())).toBeNull();
  expect(await names()).toContain(name);
  await connect.remove(name, signal());
  await connect.putConfig(theirs.name, { ...theirs.config, 'database.hostname': 'localhost' }, signal());
  expect(await other.mend(signal())).toBe('the connector got other settings');
  await eventually('it runs', async () => (await other.state(signal())).state === 'running');
  expect(await other.feedPosition(signal())).toMatchObject({ incarnation: 1 });
}, 180_000);

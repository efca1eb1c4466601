import { afterAll, beforeAll, expect, test } from '@jest/globals';
import {
  heartbeatTopic,
  leftOutBy,
  tableTopic,
  UNAVAILABLE_PLACEHOLDER_HEADER,
  UNAVAILABLE_VALUE,
} from '@banyan/contracts';
import { setTimeout as sleep } from 'node:timers/promises';
import { openTestBus } from '../../../testing/beds/kafka-test-bed.ts';
import { createMemoryBus } from '../../../testing/beds/memory-bus.ts';
import {
  caughtUp,
  envelopeOf,
  eventually,
  PREFIX,
  readTopic,
} from '../../../testing/beds/reader-test-bed.ts';
import { startReader } from '../reader/reader.ts';
import type { StoredRecord } from '../../bus/bus.ts';
import {
  createDebeziumTestBed,
  expectCounted,
  type DebeziumTestBed,
} from '../../../testing/beds/debezium-test-bed.ts';

let dbz: DebeziumTestBed;
const signal = (): AbortSignal => AbortSignal.timeout(60_000);

beforeAll(async () => {
  dbz = await createDebeziumTestBed('source');
  await dbz.bed.sql(`
    CREATE TABLE public.items (id bigint PRIMARY KEY, name text NOT NULL DEFAULT 'none', price numeric(12,2));
    CREATE TABLE public.counters (id int PRIMARY KEY, n int NOT NULL);
    CREATE TABLE public.kinds (
      id bigint PRIMARY KEY, name text NOT NULL DEFAULT 'none', price numeric, flag boolean, tags text[], meta jsonb,
      big text, at timestamptz, local timestamp, day date, clock time, span interval, data bytea, uid uuid, r real,
      d double precision);
    ALTER TABLE public.kinds ALTER COLUMN big SET STORAGE EXTERNAL;
    INSERT INTO public.items SELECT i, 'item ' || i, i / 3.0 FROM generate_series(1, 3000) i;
    INSERT INTO public.counters SELECT i, 0 FROM generate_series(1, 20) i`);
});
afterAll(async () => {
  await dbz.close();
});

/** What a copy that applied every record holds: key to the row's text. */
function replay(records: readonly StoredRecord[]): ReadonlyMap<string, unknown> {
  const rows = new Map<string, unknown>();
  for (const record of records) {
    const envelope = envelopeOf(record);
    if (!envelope || envelope.op === 'd') rows.delete(record.key ?? '');
    else rows.set(record.key ?? '', envelope.after);
  }
  return rows;
}

test('its state is told truthfully, and what it already is, is left alone', async () => {
  expect(await dbz.source.state(signal())).toEqual({ state: 'absent' });
  await dbz.source.start(signal());
  expect(await dbz.source.state(signal())).toEqual({ state: 'running' });
  expect(await dbz.source.slotStatus(signal())).toMatchObject({ exists: true, active: true });
  const reader = async (): Promise<unknown> =>
    (
      await dbz.bed.sql(`SELECT active_pid FROM pg_replication_slots WHERE slot_name = '${dbz.bed.slot}_dbz'`)
    )[0];
  const before = await reader();
  await dbz.source.start(signal());
  expect(await reader()).toEqual(before);

  await dbz.source.pause(signal());
  await eventually('it is paused', async () => (await dbz.source.state(signal())).state === 'paused');
  await dbz.source.resume(signal());
  await eventually('it runs', async () => (await dbz.source.state(signal())).state === 'running');
});

test('a table that the feed cannot carry is refused, and the connector is not touched', async () => {
  await dbz.bed.sql('CREATE TABLE public.keyless (v int)');
  await expect(dbz.source.ensureTables(['public.keyless', 'public.none'], signal())).rejects.toMatchObject({
    code: 'source-tables-unfit',
  });
  expect(await dbz.source.state(signal())).toEqual({ state: 'running' });
});

test('tables whose names would end Debezium for good are refused, all at once', async () => {
  const problem = 'name-for-debezium';
  await expect(
    dbz.source.ensureTables(['public.a b', "public.o'clock", 'public.UPPER'], signal()),
  ).rejects.toMatchObject({
    problems: [
      { table: 'public.a b', problem },
      { table: "public.o'clock", problem },
    ],
  });
});

test('a table snapshot and the changes after it make the copy equal', async () => {
  await dbz.source.ensureTables(['public.items'], signal());
  const snapshot = dbz.snapshot(['public.items']);
  for (let id = 2_900; id <= 3_000; id += 10) {
    await dbz.bed.sql('UPDATE public.items SET price = 0 WHERE id = $1', [id]);
    await dbz.bed.sql('DELETE FROM public.items WHERE id = $1', [id + 1]);
  }
  await snapshot;
  await dbz.bed.sql(`INSERT INTO public.items VALUES (9007199254740993, 'large', 1.10)`);
  await dbz.caughtUp();
  const rows = replay(await dbz.records('public.items'));
  const wanted = await dbz.bed.sql(`SELECT id::text, name, price::text FROM public.items`);
  expect(rows.size).toBe(wanted.length);
  for (const { id, name, price } of wanted) {
    expect(rows.get(`{"id":${String(id)}}`)).toMatchObject({ name, price });
  }
});

test('an idle database: positions are reached, the slot moves on, and heartbeats come', async () => {
  await dbz.caughtUp();
  const heard = (await dbz.heartbeats()).length;
  const { confirmedFlushLsn } = await dbz.source.slotStatus(signal());
  await eventually('a heartbeat comes', async () => (await dbz.heartbeats()).length > heard);
  await eventually(
    'the slot moves on without anybody writing',
    async () => (await dbz.source.slotStatus(signal())).confirmedFlushLsn !== confirmedFlushLsn,
  );
  expect((await dbz.heartbeats()).at(-1)?.value).toMatch(/^\{"ts_ms":\d+\}$/);
  // They leave no records behind them.
  expect((await dbz.bus.topics()).map(({ topic }) => topic)).not.toContain(`${PREFIX}.message`);
});

test('Connect killed mid-stream, twice: every change once, in the order of its row', async () => {
  await dbz.source.ensureTables(['public.counters'], signal());
  let written = 0;
  const over = new AbortController();
  const writer = (async () => {
    while (!over.signal.aborted) {
      await dbz.bed.sql('UPDATE public.counters SET n = n + 1 WHERE id = $1', [(written % 20) + 1]);
      written += 1;
      await sleep(2); // a few hundred a second: the backlog after a kill is to be read in this test
    }
  })();
  for (let kill = 0; kill < 2; kill += 1) {
    const before = written;
    await eventually('rows are written', () => written > before + 300);
    await dbz.kafka.stack.connect.kill();
    await expect(dbz.source.state(signal())).rejects.toMatchObject({ code: 'connect-unreachable' });
    await dbz.kafka.stack.connect.start();
    await eventually(
      'it runs again',
      async () => (await dbz.source.state(signal())).state === 'running',
      60_000,
    );
  }
  over.abort();
  await writer;
  await dbz.caughtUp();
  expectCounted(await dbz.records('public.counters'), written);
}, 180_000);

test('records have the fields and the values that the embedded reader gives them', async () => {
  const bus = createMemoryBus();
  const reader = await startReader(dbz.bed.reader(bus));
  await dbz.bed.source.ensureTables(['public.kinds'], signal());
  await dbz.source.ensureTables(['public.kinds'], signal());
  const long = 'x'.repeat(9_000);
  for (const statement of [
    `INSERT INTO public.kinds VALUES (9007199254740993, 'a', 12.340, true, '{a,"b c"}', '{"k": [1]}', '${long}',
       '2026-01-02 03:04:05.678901+01', '2026-01-02 03:04:05.678901', '2026-01-02', '03:04:05.678901',
       '1 year 2 days 03:04:05.5', '\\xdeadbeef', '7d444840-9dc0-11d1-b245-5ffdce74fad2', 1.5, 0.1)`,
    `INSERT INTO public.kinds (id, name) VALUES (2, 'nulls')`,
    `UPDATE public.kinds SET name = 'b' WHERE id = 9007199254740993`,
    `UPDATE public.kinds SET id = 3 WHERE id = 2`,
    `ALTER TABLE public.kinds REPLICA IDENTITY FULL`,
    `UPDATE public.kinds SET price = NULL WHERE id = 3`,
    `DELETE FROM public.kinds WHERE id = 3`,
    `TRUNCATE public.kinds`,
  ]) {
    await dbz.bed.sql(statement);
    // A long value that was left out is read again; neither reader may find the row gone by then.
    await Promise.all([dbz.caughtUp(), caughtUp(dbz.bed)]);
  }
  const ours = (await readTopic(bus, tableTopic(PREFIX, 'public.kinds'))).map(comparable);
  const theirs = (await dbz.records('public.kinds')).map(comparable);
  await reader.close();
  expect(ours.length).toBeGreaterThan(8);
  // docs/reference/envelope-differences.md
  const accepted = (records: unknown): unknown =>
    JSON.parse(
      JSON.stringify(records)
        .replaceAll('"snapshot:false"', '"snapshot:null"')
        .replaceAll('P1Y0M2D', 'P1Y2D')
        // What the log left out our reader reads again; Debezium marks it.
        .replaceAll(/"big":"(?:banyan-unavailable-[0-9a-f]+|x{2000,})"/g, '"big":"long"'),
    );
  const [one, other] = [accepted(theirs), accepted(ours)] as Record<
    string,
    Record<string, unknown> | null
  >[][];
  for (const record of [...(one ?? []), ...(other ?? [])]) {
    // Without the old row Debezium gives columns that must not be null a value of its own, ours is null.
    if (record['op'] === ('d' as unknown) && record['before']?.['flag'] === null)
      delete record['before']['name'];
  }
  expect(one).toEqual(other);
});

test('keys go to the partitions that the bus gives them', async () => {
  const wide = openTestBus(dbz.kafka, { newTopicPartitions: 5 });
  await dbz.bed.sql('CREATE TABLE public.wide (a bigint, b text, PRIMARY KEY (a, b))');
  await wide.ensureTopics([tableTopic(PREFIX, 'public.wide')]);
  await dbz.source.ensureTables(['public.wide'], signal());
  await dbz.bed.sql(`INSERT INTO public.wide SELECT i, 'é ' || i FROM generate_series(1, 60) i`);
  await dbz.caughtUp();
  const all = async (topic: string): Promise<[string | null, number][]> => {
    const records = await Promise.all(
      [0, 1, 2, 3, 4].map((partition) => wide.read({ topic, partition, nextOffset: 0 }, 1_000)),
    );
    return records.flat().map(({ key, partition }): [string | null, number] => [key, partition]);
  };
  const debeziums = await all(tableTopic(PREFIX, 'public.wide'));
  expect(debeziums).toHaveLength(60);
  await wide.append(debeziums.map(([key]) => ({ topic: 'ours', key, headers: {}, value: '{}' })));
  expect((await all('ours')).sort()).toEqual(debeziums.sort());
  expect(new Set(debeziums.map(([, partition]) => partition)).size).toBe(5);
  await wide.close();
});

test('a table that was taken out sends nothing more', async () => {
  await dbz.source.removeTables(['public.items'], signal());
  const before = (await dbz.records('public.items')).length;
  await dbz.bed.sql('UPDATE public.items SET price = 1 WHERE id < 10');
  await dbz.caughtUp();
  expect(await dbz.records('public.items')).toHaveLength(before);
});

test('a heartbeats’ topic that was deleted is made again; a table’s is a reason to begin anew', async () => {
  const missing = async (topic: string): Promise<boolean> =>
    (await dbz.bus.missingTopics([topic])).length > 0;
  const remove = async (topic: string): Promise<void> => {
    await dbz.kafka.administer((admin) => admin.deleteTopics({ topics: [topic] }));
    await eventually('it is gone', () => missing(topic));
  };
  const before = await dbz.source.feedPosition(signal());
  await remove(heartbeatTopic(PREFIX));
  expect(await dbz.source.mend(signal())).toBeNull();
  expect(await missing(heartbeatTopic(PREFIX))).toBe(false);
  const heard = (await dbz.heartbeats()).length;
  await eventually('a heartbeat comes', async () => (await dbz.heartbeats()).length > heard);

  await remove(tableTopic(PREFIX, 'public.counters'));
  expect(await dbz.source.mend(signal())).toContain("Kafka's topic shop.public.counters was deleted");
  expect(await missing(tableTopic(PREFIX, 'public.counters'))).toBe(false);
  expect(await dbz.source.feedPosition(signal())).toMatchObject({
    incarnation: (before?.incarnation ?? 0) + 1,
    anewReason: null,
    incarnationReason: "Kafka's topic shop.public.counters was deleted",
  });
  expect(await dbz.source.mend(signal())).toBeNull();
  await dbz.bed.sql('UPDATE public.counters SET n = -1 WHERE id = 1');
  await dbz.caughtUp();
  expect(await dbz.records('public.counters')).toHaveLength(1);
}, 180_000);

test('a table snapshot after a column has got another type reads the table as it is', async () => {
  await dbz.bed.sql('INSERT INTO public.counters SELECT i, 0 FROM generate_series(1000, 9000) i');
  await dbz.snapshot(['public.counters']); // of so many chunks that the server would keep the statement prepared
  await dbz.bed.sql('ALTER TABLE public.counters ALTER COLUMN n TYPE text');
  await dbz.snapshot(['public.counters']);
  await dbz.caughtUp();
  const rows = replay(await dbz.records('public.counters'));
  expect(rows.get('{"id":9000}')).toEqual({ id: 9000, n: '0' });
}, 180_000);

test('removed, it leaves neither slot nor publication; made again, it begins anew', async () => {
  await dbz.source.remove(signal());
  await dbz.source.remove(signal());
  expect(await dbz.source.state(signal())).toEqual({ state: 'absent' });
  expect(await dbz.source.slotStatus(signal())).toMatchObject({ exists: false });
  expect(await dbz.bed.sql(`SELECT FROM pg_publication WHERE pubname = '${dbz.bed.slot}_dbz'`)).toEqual([]);

  await dbz.source.ensureTables(['public.items'], signal());
  const before = (await dbz.records('public.items')).length;
  await dbz.bed.sql('UPDATE public.items SET price = 2 WHERE id < 10');
  await dbz.caughtUp();
  expect(await dbz.records('public.items')).toHaveLength(before + 9);
});

test("text that is Debezium's usual placeholder is a text; what stands for left-out values nobody can guess", async () => {
  await dbz.source.ensureTables(['public.items'], signal());
  await dbz.bed.sql('INSERT INTO public.items VALUES (900001, $1, 1)', [UNAVAILABLE_VALUE]);
  await dbz.caughtUp();
  const record = (await dbz.records('public.items')).at(-1);
  const placeholder = record?.headers[UNAVAILABLE_PLACEHOLDER_HEADER] ?? '';
  expect(placeholder).toMatch(/^banyan-unavailable-[0-9a-f]{24}$/);
  const name = record && envelopeOf(record)?.after?.['name'];
  expect([name, leftOutBy(record?.headers ?? {})('name', name)]).toEqual([UNAVAILABLE_VALUE, false]);
  // It is made once, and kept.
  await dbz.source.start(signal());
  await dbz.bed.sql('UPDATE public.items SET price = 3 WHERE id = 900001');
  await dbz.caughtUp();
  expect((await dbz.records('public.items')).at(-1)?.headers[UNAVAILABLE_PLACEHOLDER_HEADER]).toBe(
    placeholder,
  );
});

test('a table that the application could no longer write to leaves the feed, which goes on', async () => {
  await dbz.bed.sql(
    'CREATE TABLE public.spoiled (id int PRIMARY KEY, n int); INSERT INTO public.spoiled VALUES (1, 1)',
  );
  await dbz.source.ensureTables(['public.spoiled', 'public.items'], signal());
  await dbz.bed.sql('ALTER TABLE public.spoiled REPLICA IDENTITY NOTHING');
  await expect(dbz.bed.sql('UPDATE public.spoiled SET n = 2')).rejects.toThrow(/replica identity/);
  expect(await dbz.source.removeUnwritable(signal())).toMatchObject([{ table: 'public.spoiled' }]);
  await dbz.bed.sql('UPDATE public.spoiled SET n = 2; DELETE FROM public.spoiled');
  await eventually('the connector is right again', async () => (await dbz.source.mend(signal())) === null);
  const before = (await dbz.records('public.items')).length;
  await dbz.bed.sql('UPDATE public.items SET price = 4 WHERE id = 900001');
  await dbz.caughtUp();
  expect(await dbz.records('public.items')).toHaveLength(before + 1);
  await expect(dbz.source.ensureTables(['public.spoiled'], signal())).rejects.toThrow(/public\.spoiled/);
});

/** What can be compared: without times, positions, and what each reader says of itself. */
function comparable(record: StoredRecord): unknown {
  const { key, headers, value } = record;
  const kept = Object.entries(headers).filter(
    ([name]) => !name.startsWith('__debezium.context.') && name !== UNAVAILABLE_PLACEHOLDER_HEADER,
  );
  const envelope = value === null ? null : (JSON.parse(value) as Record<string, unknown>);
  if (!envelope) return { key, headers: Object.fromEntries(kept), value };
  const source = envelope['source'] as Record<string, unknown>;
  return {
    key,
    headers: Object.fromEntries(kept),
    fields: Object.keys(envelope).sort(),
    sourceFields: Object.keys(source).sort(),
    op: envelope['op'],
    before: envelope['before'],
    after: envelope['after'],
    source: ['connector', 'name', 'db', 'schema', 'table', 'snapshot'].map(
      (name) => `${name}:${String(source[name])}`,
    ),
    positions: ['txId', 'lsn', 'sequence', 'xmin'].map((name) => source[name] != null),
  };
}

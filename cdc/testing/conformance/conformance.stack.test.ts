import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { tableTopic } from '@banyan/contracts';
import pg from 'pg';
import type { BusRecord } from '../../src/bus/bus.ts';
import { createMemoryBus } from '../beds/memory-bus.ts';
import { caughtUp, eventually, PREFIX, readTopic } from '../beds/reader-test-bed.ts';
import { startReader, type Reader } from '../../src/capture/reader/reader.ts';
import { createDebeziumTestBed, type DebeziumTestBed } from '../beds/debezium-test-bed.ts';
import { tableSnapshotProgress } from '../../src/capture/table-snapshot/table-snapshot-progress.ts';
import { acceptedDifferences, typeDifference } from './accepted-differences.ts';
import { compareRecords, type Difference } from './compare-records.ts';
import type { Statement } from './conformance-case.ts';
import { conformanceCases, typeColumns } from './conformance-cases.ts';
import { OUTBOX_TABLE } from './outbox-case.ts';

let dbz: DebeziumTestBed;
let reader: Reader;
let connections: readonly [pg.Client, pg.Client];
const bus = createMemoryBus();
const signal = AbortSignal.timeout(280_000);
const differences = new Map<string, readonly Difference[]>();
const counts = new Map<string, number>();
/** What both readers put on the outbox's own topic. */
let unrouted: readonly number[];

beforeAll(async () => {
  dbz = await createDebeziumTestBed('conformance', { outboxTable: OUTBOX_TABLE });
  connections = [new pg.Client(dbz.bed.url), new pg.Client(dbz.bed.url)];
  for (const connection of connections) await connection.connect();
  for (const { setup } of conformanceCases) await run(setup);
  const tables = conformanceCases.flatMap((one) => one.tables);
  reader = await startReader({ ...dbz.bed.reader(bus), outboxTable: OUTBOX_TABLE });
  await dbz.bed.source.ensureTables(tables, signal);
  await dbz.source.ensureTables(tables, signal);
  const unread = conformanceCases.flatMap((one) => one.notReadByDebezium?.tables ?? []);
  await snapshot(tables.filter((table) => !unread.includes(table)));
  for (let step = 0; conformanceCases.some((one) => step < one.steps.length); step += 1) {
    for (const one of conformanceCases) for (const statement of one.steps[step] ?? []) await run(statement);
    await Promise.all([dbz.caughtUp(), caughtUp(dbz.bed)]);
  }
  for (const table of tables.filter((name) => name !== OUTBOX_TABLE)) {
    const embedded = await readTopic(bus, tableTopic(PREFIX, table));
    compare(table, embedded, await dbz.records(table));
  }
  for (const topic of conformanceCases.flatMap(({ events = [] }) => events)) {
    compare(topic, await readTopic(bus, topic), await dbz.topicRecords(topic));
  }
  const topic = tableTopic(PREFIX, OUTBOX_TABLE);
  unrouted = [(await readTopic(bus, topic)).length, (await dbz.topicRecords(topic)).length];
}, 290_000);
afterAll(async () => {
  await reader.close();
  for (const connection of connections) await connection.end();
  await dbz.close();
});

async function run(statement: Statement): Promise<void> {
  if (typeof statement === 'string') await connections[0].query(statement);
  else await connections[1].query(statement.beside);
}

function compare(name: string, embedded: readonly BusRecord[], theirs: readonly BusRecord[]): void {
  counts.set(name, embedded.length);
  differences.set(name, compareRecords(name, embedded, theirs));
}

/** One signal, which both readers obey. */
async function snapshot(tables: readonly string[]): Promise<void> {
  const id = await dbz.bed.source.requestTableSnapshot(tables, signal);
  await Promise.all(
    [bus, dbz.bus].map((one) =>
      eventually(
        'the table snapshot is taken',
        async () => {
          const progress = await tableSnapshotProgress(one, PREFIX, signal);
          return tables.every((name) =>
            progress.some((table) => table.id === id && table.table === name && table.state === 'completed'),
          );
        },
        120_000,
      ),
    ),
  );
}

const compared = conformanceCases.map(({ name, tables, events = [] }) => ({
  name,
  of: [...tables, ...events],
}));

test.each(compared)('$name', ({ of }) => {
  const unlisted = of
    .flatMap((table) => differences.get(table) ?? [])
    .filter(
      (one) => typeDifference(one) === null && !acceptedDifferences.some(({ accepts }) => accepts(one)),
    );
  expect(unlisted).toEqual([]);
});

test('the outbox has events alone, no records of its own', () => {
  expect(unrouted).toEqual([0, 0]);
});

test('every table has records, and what is accepted of them still occurs', () => {
  const found = [...differences.values()].flat();
  const accepted = acceptedDifferences.filter(({ accepts }) => !found.some(accepts));
  const columns = new Set(found.map(typeDifference));
  const types = typeColumns.filter(({ differs, column }) => differs !== undefined && !columns.has(column));
  expect({
    accepted: accepted.map(({ what }) => what),
    types: types.map(({ type, sql }) => `${type} ${sql}`),
  }).toEqual({ accepted: [], types: [] });
  expect([...counts].filter(([, count]) => count === 0)).toEqual([]);
});

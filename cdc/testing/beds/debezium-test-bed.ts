/** A database that Debezium follows into a Kafka, for tests. */
import { expect } from '@jest/globals';
import { heartbeatTopic, tableTopic } from '@banyan/contracts';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { openTestBus, startTestKafka, type TestKafka } from './kafka-test-bed.ts';
import type { KafkaBus, KafkaBusOptions } from '../../src/bus/kafka/kafka-bus.ts';
import type { StoredRecord } from '../../src/bus/bus.ts';
import {
  createTestBed,
  envelopeOf,
  eventually,
  PREFIX,
  withNamedTables,
  type NamedTables,
  type TestBed,
} from './reader-test-bed.ts';
import { parseLsn } from '../../src/rows/lsn.ts';
import { tableSnapshotProgress } from '../../src/capture/table-snapshot/table-snapshot-progress.ts';
import { createPostgresSource, type PostgresSource } from '../../src/capture/feed/postgres-source.ts';
import {
  createDebeziumFeed,
  type DebeziumFeed,
  type DebeziumFeedOptions,
} from '../../src/capture/debezium/debezium-feed.ts';

export interface DebeziumTestBed {
  readonly bed: TestBed;
  readonly kafka: TestKafka;
  readonly bus: KafkaBus;
  /** The database, asked itself, and Debezium's feed of it. */
  readonly source: NamedTables<PostgresSource & DebeziumFeed>;
  /** What `source` was made of. */
  readonly sourceOptions: DebeziumFeedOptions;
  /** Waits until everything written before is in Kafka. */
  caughtUp(): Promise<void>;
  /** Takes a table snapshot and waits for its end. */
  snapshot(tables: readonly string[]): Promise<void>;
  /** All records of a table's topic that has one partition. */
  records(table: string): Promise<readonly StoredRecord[]>;
  /** All records of any topic that has one partition; none of one that does not exist. */
  topicRecords(topic: string): Promise<readonly StoredRecord[]>;
  heartbeats(): Promise<readonly StoredRecord[]>;
  close(): Promise<void>;
}

/**
 * @param options.outboxTable `schema.table`; default none.
 * @param options.url A database of the test's own; default one in the shared server.
 * @param options.heartbeatIntervalMs Default 200.
 * @param options.given A Kafka of the test's own, which is closed with the rest, and how a bus reaches it.
 */
export async function createDebeziumTestBed(
  label: string,
  options: {
    readonly outboxTable?: string;
    readonly heartbeatIntervalMs?: number;
    readonly url?: string;
    readonly given?: { readonly kafka: TestKafka; readonly bus: Partial<KafkaBusOptions> };
  } = {},
): Promise<DebeziumTestBed> {
  const { url: ownUrl, given, ...settings } = options;
  const [bed, kafka] = await Promise.all([
    createTestBed(label, ownUrl),
    given?.kafka ?? startTestKafka({ withConnect: true }),
  ]);
  const bus = openTestBus(kafka, given?.bus);
  const url = new URL(bed.url);
  writeFileSync(join(kafka.stack.secretsDir, 'source.password'), url.password, { mode: 0o600 });
  const names = { slot: `${bed.slot}_dbz`, publication: `${bed.slot}_dbz` };
  const { outboxTable } = settings;
  const postgres = createPostgresSource({ url: bed.url, ...names, outboxTable });
  const sourceOptions: DebeziumFeedOptions = {
    heartbeatIntervalMs: 200,
    ...settings,
    url: bed.url,
    postgres,
    connectUrl: kafka.stack.connectUrl,
    connector: `banyan-${label}`,
    prefix: PREFIX,
    ...names,
    bus,
    database: {
      host: url.hostname,
      port: Number(url.port),
      database: url.pathname.slice(1),
      user: url.username,
      passwordReference: `\${dir:${kafka.stack.secretsDir}:source.password}`,
    },
  };
  const feed = createDebeziumFeed(sourceOptions);
  const source = withNamedTables(bothOf(postgres, feed));
  const records = async (topic: string): Promise<readonly StoredRecord[]> =>
    await bus.read({ topic, partition: 0, nextOffset: 0 }, 1_000_000);
  return {
    bed,
    kafka,
    bus,
    source,
    sourceOptions,
    records: (table) => records(tableTopic(PREFIX, table)),
    topicRecords: async (topic) =>
      (await bus.topics()).some((each) => each.topic === topic) ? await records(topic) : [],
    heartbeats: () => records(heartbeatTopic(PREFIX)),
    async caughtUp() {
      const signal = AbortSignal.timeout(60_000);
      const position = await source.takePosition(signal);
      await eventually(
        `the slot confirms ${position}`,
        async () => {
          const { confirmedFlushLsn } = await source.slotStatus(signal);
          return confirmedFlushLsn !== null && parseLsn(confirmedFlushLsn) >= parseLsn(position);
        },
        60_000,
      );
    },
    async snapshot(tables) {
      const signal = AbortSignal.timeout(60_000);
      const id = await source.requestTableSnapshot(tables, signal);
      await eventually(
        `the table snapshot ${id} of ${tables.join(', ')}`,
        async () => {
          const progress = await tableSnapshotProgress(bus, PREFIX, signal);
          return tables.every((name) =>
            progress.some((one) => one.id === id && one.table === name && one.state === 'completed'),
          );
        },
        60_000,
      );
    },
    async close() {
      // The connector goes with its Connect, the slot with the database.
      await feed.close();
      await postgres.close();
      await bus.close();
      await kafka.close();
      await bed.close();
    },
  };
}

/** Whatever the feed does is asked of it, and everything else of the database. */
function bothOf(postgres: PostgresSource, feed: DebeziumFeed): PostgresSource & DebeziumFeed {
  // An object of its own: what a test puts in the place of a method is not what the feed asks the database by.
  return new Proxy({} as PostgresSource & DebeziumFeed, {
    get(own, name) {
      if (Object.hasOwn(own, name)) return Reflect.get(own, name) as unknown;
      const asked = Reflect.has(feed, name) ? feed : postgres;
      const value: unknown = Reflect.get(asked, name);
      return typeof value === 'function' ? (value.bind(asked) as unknown) : value;
    },
  });
}

/** Each of `written` updates `n = n + 1` is there once, in the order of its row; all rows began with 0. */
export function expectCounted(records: readonly StoredRecord[], written: number): void {
  const counts = new Map<string, number>();
  for (const record of records) {
    const n = Number(envelopeOf(record)?.after?.['n']);
    expect(n).toBe((counts.get(record.key ?? '') ?? 0) + 1);
    counts.set(record.key ?? '', n);
  }
  expect([...counts.values()].reduce((sum, n) => sum + n, 0)).toBe(written);
}

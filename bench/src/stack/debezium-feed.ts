import { openKafkaBus } from '@banyan/cdc/bus';
import { formatLsn, parseLsn } from '@banyan/cdc/capture';
import type { KafkaStack } from '@banyan/kafka';
import { silentLogger } from '@banyan/kit';
import { ConnectClient } from '../../../cdc/src/capture/debezium/connect-client.ts';
import { renderConnectorConfig } from '../../../cdc/src/capture/debezium/connector-config.ts';
import { SOURCE_TABLE } from '../feed/bench-rows.ts';
import type { KafkaTopics } from '../feed/consumer-process.ts';
import type { FeedDatabase } from '../feed/feed-database.ts';
import { dropSlot, until } from '../feed/feed.ts';
import { KafkaOnDemand } from './kafka-on-demand.ts';

/** Connect, the broker and the slot are asked no more often than this, so that asking costs little. */
const POLL_MS = 50;
const TIMEOUT_MS = 60_000;

/** The benchmark's table, followed by Debezium with the connector's settings that Banyan has in earnest. */
export interface DebeziumFeed {
  /** For consumers. */
  readonly topics: KafkaTopics;
  /** The table's topic. */
  readonly topic: string;
  /** Offset after the last record whose transaction has ended: records, and one mark for each transaction. */
  recordCount(): Promise<number>;
  /** Waits until everything written before is in Kafka. */
  caughtUp(): Promise<void>;
  /** Ends the connector's task, so that a backlog gathers. */
  stop(): Promise<void>;
  /** Starts the task again; resolves when the slot is read. */
  resume(): Promise<void>;
  /** Removes connector, slot and publication. The topic stays. */
  close(): Promise<void>;
}

export interface DebeziumFeedOptions {
  /** Of slot, publication, connector and topics. */
  readonly name: string;
  /** Each record with its schema, as the JDBC sink wants it. Default false. */
  readonly withSchemas?: boolean;
  /** Default true; false for a worker that has no exactly-once support. */
  readonly exactlyOnce?: boolean;
  /** `fetch.max.wait.ms` of the connector's reader of its own offsets. Default: as Banyan sets it. */
  readonly fetchMaxWaitMs?: number | undefined;
}

/** Makes it; it streams. */
export async function prepareDebeziumFeed(
  { database, stack }: { readonly database: FeedDatabase; readonly stack: KafkaStack },
  { name, withSchemas = false, exactlyOnce = true, fetchMaxWaitMs }: DebeziumFeedOptions,
): Promise<DebeziumFeed> {
  const client = new ConnectClient(stack.connectUrl);
  const bus = openKafkaBus({ brokers: [stack.bootstrapServers], logger: silentLogger });
  const topic = `${name}.${SOURCE_TABLE}`;
  const signal = (): AbortSignal => AbortSignal.timeout(TIMEOUT_MS);
  const isRead = async (): Promise<boolean> => (await slotOf(database, name)).isActive;
  const waitFor = (what: string, check: () => Promise<boolean>): Promise<void> =>
    until(`${what} (${name})`, check, { timeoutMs: TIMEOUT_MS, pollMs: POLL_MS });
  const refuseFailed = async (): Promise<void> => {
    const connector = (await client.connectors(signal())).find((each) => each.name === name);
    const failed = connector?.status?.tasks.find(({ state }) => state === 'FAILED');
    if (failed)
      throw new Error(`Debezium's task failed: ${failed.trace?.split('\n')[0] ?? 'no reason given'}`);
  };
  const caughtUp = async (): Promise<void> => {
    const [at] = await database.sql(`SELECT pg_logical_emit_message(false, 'banyan', '', true)::text AS lsn`);
    const position = parseLsn(String(at?.['lsn']));
    await until(
      `the slot ${name} confirms ${formatLsn(position)}`,
      async () => {
        await refuseFailed();
        return parseLsn((await slotOf(database, name)).confirmed) >= position;
      },
      { pollMs: POLL_MS },
    );
  };
  await bus.ensureTopics([topic]);
  await database.sql(`CREATE PUBLICATION ${name} FOR TABLE banyan.signal, ${SOURCE_TABLE}`);
  await client.putConfig(
    name,
    connectorConfig({ database, stack, name, withSchemas, exactlyOnce, fetchMaxWaitMs }),
    signal(),
  );
  await waitFor('the slot is read', isRead);
  // A connector that is stopped before it has stored an offset would begin at the log's end, behind the backlog.
  await caughtUp();
  return {
    topics: { brokers: stack.bootstrapServers, prefix: name },
    topic,
    caughtUp,
    async recordCount() {
      await refuseFailed();
      return (await bus.ends([topic]))[0]?.nextOffset ?? 0;
    },
    async stop() {
      await client.stop(name, signal());
      await waitFor('the slot is free', async () => !(await isRead()));
    },
    async resume() {
      await client.resume(name, signal());
      await waitFor('the slot is read', isRead);
    },
    async close() {
      await client.remove(name, signal());
      await bus.close();
      await dropSlot(database, name);
    },
  };
}

async function slotOf(
  database: FeedDatabase,
  name: string,
): Promise<{ readonly isActive: boolean; readonly confirmed: string }> {
  const sql = `SELECT active, confirmed_flush_lsn::text AS confirmed FROM pg_replication_slots WHERE slot_name = $1`;
  const row = (await database.sql(sql, [name]))[0] as
    { active: boolean; confirmed: string | null } | undefined;
  return { isActive: row?.active ?? false, confirmed: row?.confirmed ?? '0/0' };
}

function connectorConfig(
  options: Required<DebeziumFeedOptions> & { readonly database: FeedDatabase; readonly stack: KafkaStack },
): Readonly<Record<string, string>> {
  const { database, stack, name, withSchemas, exactlyOnce, fetchMaxWaitMs } = options;
  const { hostname: host, port, pathname, username: user } = new URL(database.url);
  return {
    ...renderConnectorConfig({
      database: {
        host,
        port: Number(port),
        database: pathname.slice(1),
        user,
        passwordReference: KafkaOnDemand.passwordReference(stack),
      },
      prefix: name,
      placeholder: 'banyan-unavailable-bench',
      slot: name,
      publication: name,
      tables: [{ name: SOURCE_TABLE, columns: 'every', generated: [] }],
      offsetsTopic: `${name}-offsets`,
    }),
    ...(withSchemas
      ? { 'key.converter.schemas.enable': 'true', 'value.converter.schemas.enable': 'true' }
      : {}),
    // The connector's own 10 s fail its task for good on a machine that is so busy that one transaction takes longer.
    'producer.override.transaction.timeout.ms': '120000',
    ...(exactlyOnce ? {} : { 'exactly.once.support': 'requested' }),
    ...(fetchMaxWaitMs === undefined
      ? {}
      : { 'consumer.override.fetch.max.wait.ms': String(fetchMaxWaitMs) }),
  };
}

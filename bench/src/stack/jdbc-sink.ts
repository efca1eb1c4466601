import type { KafkaStack } from '@banyan/kafka';
import pg from 'pg';
import { ConnectClient } from '../../../cdc/src/capture/debezium/connect-client.ts';
import { createPostgresTable } from '../feed/bench-rows.ts';
import { KafkaOnDemand } from './kafka-on-demand.ts';

const TIMEOUT_MS = 60_000;
const JSON_CONVERTER = 'org.apache.kafka.connect.json.JsonConverter';

export interface JdbcSinkOptions {
  readonly name: string;
  /** Its records carry their schemas. */
  readonly topic: string;
  /** A PostgreSQL without the table. */
  readonly storeUrl: string;
  /** What its manual and the driver's name for speed, beyond upserts in batches of 500. Default false. */
  readonly isTuned?: boolean;
}

const tuning = {
  'use.reduction.buffer': 'true',
  'batch.size': '2000',
  'consumer.override.max.poll.records': '2000',
};

/** Debezium's JDBC sink from one topic into one table. @returns what ends it. */
export async function startJdbcSink(
  stack: KafkaStack,
  { name, topic, storeUrl, isTuned = false }: JdbcSinkOptions,
): Promise<{ close(): Promise<void> }> {
  const client = new pg.Client(storeUrl);
  await client.connect();
  await client.query(createPostgresTable);
  await client.end();
  const { host, pathname, username } = new URL(storeUrl);
  const connect = new ConnectClient(stack.connectUrl);
  const config = {
    'connector.class': 'io.debezium.connector.jdbc.JdbcSinkConnector',
    'tasks.max': '1',
    topics: topic,
    'connection.url': `jdbc:postgresql://${host}${pathname}${isTuned ? '?reWriteBatchedInserts=true' : ''}`,
    'connection.username': username,
    'connection.password': KafkaOnDemand.passwordReference(stack),
    'collection.name.format': 'bench_row',
    'insert.mode': 'upsert',
    'primary.key.mode': 'record_key',
    'delete.enabled': 'true',
    'schema.evolution': 'none',
    'batch.size': '500',
    'consumer.override.isolation.level': 'read_committed',
    'key.converter': JSON_CONVERTER,
    'key.converter.schemas.enable': 'true',
    'value.converter': JSON_CONVERTER,
    'value.converter.schemas.enable': 'true',
    ...(isTuned ? tuning : {}),
  };
  await connect.putConfig(name, config, AbortSignal.timeout(TIMEOUT_MS));
  return { close: () => connect.remove(name, AbortSignal.timeout(TIMEOUT_MS)) };
}

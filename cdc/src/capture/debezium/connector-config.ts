import { notificationTopic, UNAVAILABLE_PLACEHOLDER_HEADER } from '@banyan/contracts';
import type { CarriedTable } from '../feed/feed-columns.ts';
import { MESSAGE_PREFIX } from '../feed/logical-message.ts';
import { SIGNAL_TABLE } from '../feed/signal-table.ts';
import type { ConnectorConfig } from './connect-client.ts';
import { IS_OUTBOX, renderOutboxTransforms } from './outbox-transforms.ts';

/** Where Debezium connects to, as Connect's workers see it. */
export interface DebeziumDatabase {
  readonly host: string;
  readonly port: number;
  readonly database: string;
  readonly user: string;
  /**
   * Goes into the connector as it is, and Connect's REST API shows it: name a file that its workers can read, e.g.
   * `${dir:/run/secrets:banyan.password}`.
   */
  readonly passwordReference: string;
}

/** A table of the feed, and what Debezium is to read of it. */
export interface IncludedTable extends CarriedTable {
  /** Columns that PostgreSQL's log does not carry; a row is not to be read by them either. */
  readonly generated: readonly string[];
}

export interface ConnectorSettings {
  readonly database: DebeziumDatabase;
  /** Topic prefix, e.g. `shop`. */
  readonly prefix: string;
  readonly slot: string;
  /** Made and kept by Banyan. */
  readonly publication: string;
  /** All tables in the feed; the signal table need not be among them. */
  readonly tables: readonly IncludedTable[];
  /** Name of the topic that holds the connector's own offsets. */
  readonly offsetsTopic: string;
  /** Stands for values that the log left out: a text that the application cannot have. */
  readonly placeholder: string;
  /** Milliseconds between heartbeats, 50 to 60,000. Default 1,000. */
  readonly heartbeatIntervalMs?: number;
  /** `schema.table` of the outbox, whose rows become events. Default: none. */
  readonly outboxTable?: string | undefined;
}

/** Debezium's PostgreSQL connector 3.6, so that its records are what the embedded reader would put on the bus. */
export function renderConnectorConfig(settings: ConnectorSettings): ConnectorConfig {
  return {
    'connector.class': 'io.debezium.connector.postgresql.PostgresConnector',
    'tasks.max': '1',
    ...connection(settings),
    ...feed(settings),
    ...values,
    ...delivery(settings),
    ...transforms(settings),
  };
}

function connection({ database, slot, publication }: ConnectorSettings): ConnectorConfig {
  return {
    'database.hostname': database.host,
    'database.port': String(database.port),
    'database.dbname': database.database,
    'database.user': database.user,
    'database.password': database.passwordReference,
    // A statement that the server keeps prepared fails for good once a column has got another type: after that no table
    // snapshot of its table would ever succeed.
    'driver.prepareThreshold': '0',
    'plugin.name': 'pgoutput',
    'slot.name': slot,
    'publication.name': publication,
    // Debezium adds tables without waiting for their writers, whose open changes would be in no feed; Banyan waits.
    'publication.autocreate.mode': 'disabled',
    // What a database that cannot be reached costs: the default is 10 s.
    'retriable.restart.connector.wait.ms': '1000',
    'slot.retry.delay.ms': '1000',
  };
}

function feed({ prefix, tables, heartbeatIntervalMs = 1_000 }: ConnectorSettings): ConnectorConfig {
  const ofFeed = tables.filter(({ name }) => name !== SIGNAL_TABLE);
  const included = [{ name: SIGNAL_TABLE, columns: 'every', generated: [] } as const, ...ofFeed];
  return {
    'topic.prefix': prefix,
    'table.include.list': included
      .map(({ name }) => tablePattern(name))
      .toSorted()
      .join(','),
    // Each table of the list above has its columns here, the signal table too: of one that has none, rows come empty, and
    // signals are passed over, without a word. (With a list rows are read by their columns, not by `SELECT *`, which fails
    // for a table with a generated column.)
    'column.include.list': included.flatMap(columnPatterns).toSorted().join(','),
    // Rows come by table snapshots that are asked for, while streaming goes on; never by the connector's start.
    'snapshot.mode': 'no_data',
    'signal.enabled.channels': 'source',
    'signal.data.collection': SIGNAL_TABLE,
    // The default leaves two rows a chunk in the signal table.
    'incremental.snapshot.watermarking.strategy': 'insert_delete',
    'incremental.snapshot.chunk.size': '1024',
    'notification.enabled.channels': 'sink',
    'notification.sink.topic.name': notificationTopic(prefix),
    'heartbeat.interval.ms': String(heartbeatIntervalMs),
    // A mark in the WAL, which lets an idle database's slot move on: a heartbeat alone does not.
    'heartbeat.action.query': `SELECT pg_logical_emit_message(false, '${MESSAGE_PREFIX}', '')`,
    // Their only use is that the slot moves on over them.
    'message.prefix.exclude.list': MESSAGE_PREFIX,
    'skipped.operations': 'none', // TRUNCATE too
    'tombstones.on.delete': 'true',
  };
}

const values: ConnectorConfig = {
  // Exact: no double, and no Base64 of an unscaled number.
  'decimal.handling.mode': 'string',
  'interval.handling.mode': 'string',
  // All of them, whatever their precision: the adaptive modes tell `timestamp(3)` in milliseconds.
  'time.precision.mode': 'microseconds',
  // Else a NULL becomes the column's default.
  'key.converter': 'org.apache.kafka.connect.json.JsonConverter',
  'key.converter.schemas.enable': 'false',
  'key.converter.replace.null.with.default': 'false',
  'value.converter': 'org.apache.kafka.connect.json.JsonConverter',
  'value.converter.schemas.enable': 'false',
  'value.converter.replace.null.with.default': 'false',
  // Long values that a statement did not change are not in the WAL. Debezium's reselect processor reads them before the
  // change can be seen, and so gave old values to new rows; instead they stay unavailable (see missing-values.ts).
};

/** Debezium's setting for what stands for values that the log left out. */
export const PLACEHOLDER_SETTING = 'unavailable.value.placeholder';

/** The steps that records go through. Each record of a row says what stands for left-out values in it. */
function transforms({ prefix, outboxTable, placeholder }: ConnectorSettings): ConnectorConfig {
  const outbox = outboxTable === undefined ? {} : renderOutboxTransforms(prefix, outboxTable);
  const step = 'transforms.unavailable';
  return {
    ...outbox,
    [PLACEHOLDER_SETTING]: placeholder,
    transforms: ['unavailable', ...(outbox['transforms']?.split(',') ?? [])].join(','),
    [`${step}.type`]: 'org.apache.kafka.connect.transforms.InsertHeader',
    [`${step}.header`]: UNAVAILABLE_PLACEHOLDER_HEADER,
    [`${step}.value.literal`]: placeholder,
    // Events have none.
    ...(outboxTable === undefined ? {} : { [`${step}.predicate`]: IS_OUTBOX, [`${step}.negate`]: 'true' }),
  };
}

function delivery({ offsetsTopic }: ConnectorSettings): ConnectorConfig {
  return {
    'exactly.once.support': 'required',
    'transaction.boundary': 'poll',
    // On the workers' shared topic, a worker killed inside a transaction hung its successor for 60 s.
    'offsets.storage.topic': offsetsTopic,
    // As for the worker itself (`fetch.max.wait.ms`): each alone changes nothing.
    'consumer.override.fetch.max.wait.ms': '20',
    // Readers wait this long for a transaction that was left open, where nobody of its name comes to end it. Longer than
    // a busy machine keeps one open.
    'producer.override.transaction.timeout.ms': '30000',
    // Confirms to PostgreSQL what Kafka holds, and nothing else does.
    'lsn.flush.mode': 'connector',
    'poll.interval.ms': '10',
    'max.batch.size': '2048',
    'max.queue.size': '8192',
    'max.queue.size.in.bytes': '33554432', // whatever the size of rows
    'topic.creation.default.replication.factor': '-1',
    'topic.creation.default.partitions': '1',
    'topic.creation.default.max.message.bytes': '33554432',
  };
}

/**
 * What matches just these columns. Debezium reads such lists without regard to case, which would let `"Name"` pass
 * beside `name`, splits them at commas, and cuts off white space.
 */
function columnPatterns({ name, columns, generated }: IncludedTable): readonly string[] {
  const exactly = (names: readonly string[]): string => names.map(literal).join('|');
  const start = `(?-i)${literal(name)}\\.`;
  if (columns !== 'every') return columns.map((column) => `${start}${literal(column)}`);
  return [`${start}${generated.length > 0 ? `(?!(?:${exactly(generated)})$)` : ''}(?s:.+)`];
}

/** Java's escape for each character that might mean something. */
function literal(text: string): string {
  return text.replaceAll(/[^A-Za-z0-9_]/gu, (char) => `\\x{${(char.codePointAt(0) ?? 0).toString(16)}}`);
}

/** Debezium reads names of tables as regular expressions, separated by commas. */
export function tablePattern(table: string): string {
  return table.replaceAll(/[\\^$.|?*+()[\]{},]/g, '\\$&');
}

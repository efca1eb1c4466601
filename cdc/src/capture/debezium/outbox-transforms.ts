import { OUTBOX_TYPE, tableTopic } from '@banyan/contracts';
import type { ConnectorConfig } from './connect-client.ts';

/** Predicate of Connect, made by `renderOutboxTransforms`. */
export const IS_OUTBOX = 'isOutbox';
/** What Debezium's schemas of changes are called; the router passes over values of others. */
const ENVELOPE = 'banyan.outbox.Envelope';

/**
 * The steps by which a record of the outbox table becomes its event, in their order.
 *
 * The router alone fails on a TRUNCATE, which would end the task, and again after each restart. The only step that
 * Debezium has which passes over one takes the row out of its envelope; so the row is put into another one afterwards.
 */
const steps: Readonly<Record<string, ConnectorConfig>> = {
  // Drops deletes with their tombstones, and truncates.
  outboxRow: {
    type: 'io.debezium.transforms.ExtractNewRecordState',
    'delete.tombstone.handling.mode': 'drop',
    'add.headers': 'op,ts_ms',
  },
  outboxAfter: { type: 'org.apache.kafka.connect.transforms.HoistField$Value', field: 'after' },
  // Copied and then dropped: moving shares what is left of the headers among records, and the router adds to them.
  outboxOp: {
    type: 'io.debezium.transforms.HeaderToValue',
    headers: '__op,__ts_ms',
    fields: 'op,ts_ms',
    operation: 'copy',
  },
  outboxHeaders: { type: 'org.apache.kafka.connect.transforms.DropHeaders', headers: '__op,__ts_ms' },
  outboxEnvelope: {
    type: 'org.apache.kafka.connect.transforms.SetSchemaMetadata$Value',
    'schema.name': ENVELOPE,
  },
  outboxEvent: {
    type: 'io.debezium.transforms.outbox.EventRouter',
    // An update is logged and passed over.
    'table.op.invalid.behavior': 'warn',
    // Topics of other types Kafka may refuse, which ends the task: the part of the name is empty.
    'route.topic.regex': `(?s)\\A(?:(?<routedByValue>${OUTBOX_TYPE})\\z|.*)`,
  },
};

/** Settings that route the records of one table, and leave those of all others as they are. */
export function renderOutboxTransforms(prefix: string, table: string): ConnectorConfig {
  const config: Record<string, string> = {
    predicates: IS_OUTBOX,
    [`predicates.${IS_OUTBOX}.type`]: 'org.apache.kafka.connect.transforms.predicates.TopicNameMatches',
    [`predicates.${IS_OUTBOX}.pattern`]: tableTopic(prefix, table).replaceAll('.', '\\.'),
    transforms: Object.keys(steps).join(','),
  };
  for (const [step, settings] of Object.entries(steps)) {
    config[`transforms.${step}.predicate`] = IS_OUTBOX;
    for (const [name, value] of Object.entries(settings)) config[`transforms.${step}.${name}`] = value;
  }
  return config;
}

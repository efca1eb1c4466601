import {
  outboxTopic,
  parseExactJson,
  stringifyExactJson,
  tableTopic,
  type Envelope,
  type FieldValue,
  type Row,
} from '@banyan/contracts';
import type { SourceRecord } from '../../bus/bus.ts';

/** Turns the records of an outbox table, among those of others, into its events. */
export type OutboxRouter = (records: readonly SourceRecord[]) => readonly SourceRecord[];

/**
 * Routes as Debezium's outbox event router does by its defaults: a row that was inserted, or read by a table snapshot, is an
 * event; an update, a delete or a truncate is none.
 *
 * @param options.table `schema.table`; undefined where no table is an outbox.
 */
export function createOutboxRouter(options: {
  readonly prefix: string;
  readonly table: string | undefined;
}): OutboxRouter {
  const { prefix, table } = options;
  if (table === undefined) return (records) => records;
  const topic = tableTopic(prefix, table);
  return (records) => {
    const routed: SourceRecord[] = [];
    for (const record of records) {
      const out = record.topic === topic ? toEvent(record, table) : record;
      if (out) routed.push(out);
    }
    return routed;
  };
}

/** @throws Error for a row without one of the outbox's columns: an event without what it should hold would be a lie. */
function toEvent({ headers, value }: SourceRecord, table: string): SourceRecord | null {
  if (value === null) return null; // the tombstone after a delete
  const { op, after } = parseExactJson(value.toString()) as Envelope;
  if (after === null || (op !== 'c' && op !== 'r')) return null;
  const column = (name: string): FieldValue => columnOf(after, name, table);
  return {
    topic: outboxTopic(String(column('aggregatetype'))),
    key: stringifyExactJson(column('aggregateid')),
    headers: { ...headers, id: String(column('id')) },
    value: stringifyExactJson(column('payload')),
  };
}

function columnOf(row: Row, name: string, table: string): FieldValue {
  const value = row[name];
  if (value !== undefined) return value;
  throw new Error(
    `The outbox ${table} has a row without the column ${name}, so that its event cannot be told. ` +
      'Without the setting OUTBOX_TABLE the row is told as one of any table.',
  );
}

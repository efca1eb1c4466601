import {
  parseExactJson,
  UNAVAILABLE_COLUMNS_HEADER,
  UNAVAILABLE_PLACEHOLDER_HEADER,
  UNAVAILABLE_VALUE,
} from '@banyan/contracts';
import { isDeepStrictEqual } from 'node:util';
import type { BusRecord } from '../../src/bus/bus.ts';

type Fields = Readonly<Record<string, unknown>>;

/** One field that the two readers tell otherwise. */
export interface Difference {
  /** `schema.table`; of an outbox's events the topic. */
  readonly table: string;
  /** Of the record, counted from 0 on its topic. */
  readonly record: number;
  /** Operation of the embedded reader's record; `tombstone` without a value, `event` for one that is no envelope. */
  readonly op: string;
  /** Whether it is one of a table snapshot. */
  readonly isRead: boolean;
  /** `key`, `headers.<name>`, `op`, `after.<column>`, `source.lsn` ...; `after: order` for columns otherwise arranged. */
  readonly field: string;
  /** Undefined where the field is not there. */
  readonly embedded: unknown;
  readonly debezium: unknown;
}

/** When a record was made, or a table snapshot's row read: each reader has its own clock and its own moment. */
const madeAt = new Set(['ts_ms', 'ts_us', 'ts_ns']);
const readAt = new Set(['source.ts_ms', 'source.ts_us', 'source.ts_ns']);

/**
 * Compares what the two readers put on the topic of one table, record by record and field by field. Positions, transaction
 * ids and commit times are compared as well: both read one log. Left out are the times of making and reading.
 */
export function compareRecords(
  table: string,
  embedded: readonly BusRecord[],
  debezium: readonly BusRecord[],
): readonly Difference[] {
  const found: Difference[] = [];
  for (let record = 0; record < Math.max(embedded.length, debezium.length); record += 1) {
    const [ours, theirs] = [flatten(embedded[record]), flatten(debezium[record])];
    const op = opOf(embedded[record], ours);
    for (const field of new Set([...Object.keys(ours), ...Object.keys(theirs)])) {
      const [one, other] = [ours[field], theirs[field]];
      if (madeAt.has(field) || (op === 'r' && readAt.has(field)) || isDeepStrictEqual(one, other)) continue;
      found.push({ table, record, op, isRead: op === 'r', field, embedded: one, debezium: other });
    }
    for (const block of ['value', 'before', 'after', 'source']) {
      const [one, other] = [namesIn(block, ours, theirs), namesIn(block, theirs, ours)];
      if (isDeepStrictEqual(one, other)) continue;
      const field = `${block}: order`;
      found.push({ table, record, op, isRead: op === 'r', field, embedded: one, debezium: other });
    }
  }
  return found;
}

function opOf(record: BusRecord | undefined, fields: Fields): string {
  if (!record) return 'none';
  if (record.value === null) return 'tombstone';
  return typeof fields['op'] === 'string' ? fields['op'] : 'event';
}

/** Fields of a record by path. A value that is no object is compared as it is written. */
function flatten(record: BusRecord | undefined): Fields {
  if (!record) return {};
  const flat: Record<string, unknown> = { key: record.key };
  for (const [name, value] of Object.entries(record.headers)) {
    if (name !== UNAVAILABLE_COLUMNS_HEADER && name !== UNAVAILABLE_PLACEHOLDER_HEADER)
      flat[`headers.${name}`] = value;
  }
  if (record.value === null) return { ...flat, value: null };
  const value = parseExactJson(withUsualPlaceholder(record, record.value)) as Fields | string | null;
  if (typeof value !== 'object' || value === null) return { ...flat, value: record.value };
  for (const [name, part] of Object.entries(value)) {
    if (part === null || typeof part !== 'object') flat[name] = part;
    else for (const [inner, one] of Object.entries(part)) flat[`${name}.${inner}`] = one;
  }
  return flat;
}

/** Each reader has its own way to say which values were left out: here both have Debezium's usual text in their place. */
function withUsualPlaceholder({ headers }: BusRecord, value: string): string {
  const placeholder = headers[UNAVAILABLE_PLACEHOLDER_HEADER];
  if (placeholder === undefined) return value;
  const base64 = (text: string): string => Buffer.from(text).toString('base64');
  return value
    .replaceAll(placeholder, UNAVAILABLE_VALUE)
    .replaceAll(base64(placeholder), base64(UNAVAILABLE_VALUE));
}

/** Names in a block that both sides have, in the order of the first. */
function namesIn(block: string, fields: Fields, others: Fields): readonly string[] {
  const common = Object.keys(fields).filter((field) => field in others);
  if (block !== 'value') return common.filter((field) => field.startsWith(`${block}.`));
  return [...new Set(common.map((field) => field.split('.')[0] ?? ''))];
}

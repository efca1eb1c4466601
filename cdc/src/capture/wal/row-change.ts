import {
  GONE_HEADER,
  looksUnavailable,
  UNAVAILABLE_COLUMNS_HEADER,
  UNAVAILABLE_VALUE,
  type EnvelopeSource,
} from '@banyan/contracts';
import type { SourceRecord } from '../../bus/bus.ts';
import {
  envelopeSource,
  streamedEnvelope,
  type EnvelopeContext,
  type FieldRow,
} from '../../rows/envelope.ts';
import type { OldTuple, Tuple } from './pgoutput.ts';
import { keyText, type StreamedTable } from './feed-table.ts';

/** One change of one row, or the truncation of a table, as the stream carried it. */
export interface RowChange {
  readonly kind: 'insert' | 'update' | 'delete' | 'truncate';
  readonly table: StreamedTable;
  readonly lsn: bigint;
  readonly before: OldTuple | null;
  /** Undefined fields are unchanged TOAST values; they may be filled in later. */
  readonly after: Tuple | null;
  /** A read that saw the change found no such row: what is undefined nobody can have any more, and a delete follows. */
  readonly isGone?: boolean;
}

/** A committed transaction of the stream, or a part of it: a large one comes in several. */
export interface StreamedTransaction {
  readonly xid: number;
  /** Commit time, microseconds since the epoch. */
  readonly commitUs: bigint;
  readonly origin: { readonly name: string; readonly lsn: bigint } | null;
  readonly changes: RowChange[];
}

function exact(value: bigint): number | bigint {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}

/** What may be told of a row. */
function toRow(table: StreamedTable, tuple: Tuple): FieldRow {
  const row: FieldRow = {};
  table.columns.forEach(({ name, decode, isCarried }, index) => {
    if (!isCarried) return;
    const field = tuple[index];
    row[name] = field == null ? (field === null ? null : UNAVAILABLE_VALUE) : decode(field);
  });
  return row;
}

/** The keys, as bus keys, of the rows that a change touches: the new one and, when it changed, the old one. */
export function touchedKeys(change: RowChange): readonly string[] {
  const tuples = [change.before?.tuple, change.after].filter((tuple) => tuple != null);
  return tuples.flatMap((tuple) => keyText(change.table, toRow(change.table, tuple)) ?? []);
}

/**
 * The bus records of one change, as Debezium has them: a delete is followed by a tombstone, and a changed key is a
 * delete of the old row and a create of the new one that name each other in headers.
 *
 * @param options.previousLsn End of the transaction before, for `sequence`.
 */
export function changeRecords(
  change: RowChange,
  transaction: StreamedTransaction,
  options: { readonly context: EnvelopeContext; readonly previousLsn: bigint },
): readonly SourceRecord[] {
  const { table, lsn } = change;
  const source: EnvelopeSource = {
    ...envelopeSource(options.context, table, { atUs: transaction.commitUs, snapshot: 'false' }),
    sequence: JSON.stringify([String(options.previousLsn), String(lsn)]),
    txId: transaction.xid,
    lsn: exact(lsn),
    origin: transaction.origin?.name ?? null,
    origin_lsn: transaction.origin ? exact(transaction.origin.lsn) : null,
  };
  const record = (key: string | null, value: SourceRecord['value'], headers = {}): SourceRecord => ({
    topic: table.topic,
    key,
    headers: value !== null && looksUnavailable(value) ? { ...headers, ...unavailable(change) } : headers,
    value,
  });
  if (change.kind === 'truncate') {
    return [record(null, streamedEnvelope('t', { before: null, after: null }, source))];
  }
  // With the default replica identity an old row is its key: Debezium fills the rest with its schema's
  // placeholders ('' or the epoch) where a column is NOT NULL, we with null.
  const before = change.before ? toRow(table, change.before.tuple) : null;
  const after = change.after ? toRow(table, change.after) : null;
  const oldKey = before ? keyText(table, before) : null;
  const newKey = after ? keyText(table, after) : null;
  const erase = (headers = {}): SourceRecord[] => {
    const deleted = record(oldKey, streamedEnvelope('d', { before, after: null }, source), headers);
    return oldKey === null ? [deleted] : [deleted, record(oldKey, null, headers)];
  };
  if (after === null) return erase();
  if (change.kind === 'insert')
    return [record(newKey, streamedEnvelope('c', { before: null, after }, source))];
  const gone = change.isGone ? { [GONE_HEADER]: 'true' } : {};
  if (oldKey === null || newKey === null || oldKey === newKey) {
    const value = streamedEnvelope('u', { before: change.before?.full ? before : null, after }, source);
    const update = record(newKey, value, gone);
    return table.tellsOldKeys ? [update] : [unknownOldKey(change, source), update];
  }
  return [
    ...erase({ '__debezium.newkey': newKey }),
    record(newKey, streamedEnvelope('c', { before: null, after }, source), {
      '__debezium.oldkey': oldKey,
      ...gone,
    }),
  ];
}

/** Names the columns that were left out, so that no value is taken for one of them. */
function unavailable({ table, after }: RowChange): Readonly<Record<string, string>> {
  const columns = table.columns.flatMap(({ name }, i) => (after && after[i] === undefined ? [name] : []));
  return { [UNAVAILABLE_COLUMNS_HEADER]: JSON.stringify(columns) };
}

/**
 * Under a replica identity that lacks the key, an update may have changed it unseen. A delete without a key says so: the
 * consumer cannot apply it and keeps it aside, so that no gate passes until the table is copied anew.
 */
function unknownOldKey({ table }: RowChange, source: EnvelopeSource): SourceRecord {
  const carried = table.columns.filter(({ isCarried }) => isCarried);
  const before = Object.fromEntries(carried.map(({ name }) => [name, null]));
  const value = streamedEnvelope('d', { before, after: null }, source);
  return { topic: table.topic, key: keyText(table, before), headers: {}, value };
}

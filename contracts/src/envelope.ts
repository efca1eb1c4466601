import { createHash } from 'node:crypto';
import type { Row } from './slice.ts';

/** Where a change came from: Debezium's `source` block of the PostgreSQL connector 3.6. */
export interface EnvelopeSource {
  readonly version: string;
  readonly connector: string;
  /** Topic prefix, `shop` by default. */
  readonly name: string;
  /** Commit time of the transaction; for `op: 'r'` the time of the read. */
  readonly ts_ms: number;
  readonly ts_us: number;
  readonly ts_ns: bigint | number;
  /** `"false"` or null while streaming; `"incremental"` for rows of a table snapshot. */
  readonly snapshot: string | null;
  readonly db: string;
  /** `["lastCommitLsn","lsn"]` as JSON text; null for a table snapshot's rows. */
  readonly sequence: string | null;
  readonly schema: string;
  readonly table: string;
  readonly txId: number | null;
  readonly lsn: number | bigint | null;
  readonly xmin: number | null;
  readonly origin: string | null;
  readonly origin_lsn: number | bigint | null;
}

/** Create, update, delete, read (table snapshot) or truncate. */
export type EnvelopeOp = 'c' | 'u' | 'd' | 'r' | 't';

/** One changed row, in Debezium's form (JsonConverter without schemas). */
export interface Envelope {
  readonly before: Row | null;
  readonly after: Row | null;
  readonly source: EnvelopeSource;
  readonly transaction: null | {
    readonly id: string;
    readonly total_order: number;
    readonly data_collection_order: number;
  };
  readonly op: EnvelopeOp;
  readonly ts_ms: number;
  readonly ts_us: number;
  readonly ts_ns: bigint | number;
}

/**
 * Stands for a TOAST value that the WAL did not carry because the statement did not change it. Text of the application may
 * be the same: which of the two it is the record's headers say.
 */
export const UNAVAILABLE_VALUE = '__debezium_unavailable_value';

/**
 * Header by which the embedded reader names the columns whose values the WAL did not carry, as a JSON list, e.g.
 * `["body"]`. No other value of the record is left out, whatever it looks like.
 */
export const UNAVAILABLE_COLUMNS_HEADER = 'banyan.unavailable.columns';

/** Header that says what stands for left-out values in a record of Debezium: a text that nobody can guess. */
export const UNAVAILABLE_PLACEHOLDER_HEADER = 'banyan.unavailable.placeholder';

/** The header of a record that lacks no value, where one might be taken for a left-out one. */
export const NOTHING_UNAVAILABLE: Readonly<Record<string, string>> = { [UNAVAILABLE_COLUMNS_HEADER]: '[]' };

/** Tells whether a column's value was left out. */
export type IsLeftOut = (column: string, value: unknown) => boolean;

/**
 * How to tell left-out values of a record by its headers. One that says nothing was made by an earlier version, or by a
 * Debezium with its default: there the text alone tells.
 */
export function leftOutBy(headers: Readonly<Record<string, string>>): IsLeftOut {
  const columns = headers[UNAVAILABLE_COLUMNS_HEADER];
  if (columns === undefined) {
    const isPlaceholder = placeholderTest(headers[UNAVAILABLE_PLACEHOLDER_HEADER] ?? UNAVAILABLE_VALUE);
    return (_column, value) => isPlaceholder(value);
  }
  const leftOut = new Set(JSON.parse(columns) as readonly string[]);
  return (column) => leftOut.has(column);
}

let lastTest: { readonly placeholder: string; readonly test: (value: unknown) => boolean } | null = null;

/** UUID version 3 of bytes without a name space (RFC 9562 5.3), as Java makes it. */
function nameUuid(bytes: Uint8Array): string {
  const digest = createHash('md5').update(bytes).digest();
  digest.writeUInt8((digest.readUInt8(6) & 0x0f) | 0x30, 6);
  digest.writeUInt8((digest.readUInt8(8) & 0x3f) | 0x80, 8);
  return digest.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
}

/**
 * Debezium's placeholder in the forms that types give it (3.6, tried with each): text, bytes in Base64, hstore as JSON;
 * arrays of one such text, or of the bytes' UUID, or of the bytes as numbers.
 */
function placeholderTest(placeholder: string): (value: unknown) => boolean {
  if (lastTest?.placeholder === placeholder) return lastTest.test; // as a rule every record has the same
  const bytes = new TextEncoder().encode(placeholder);
  const base64 = btoa(String.fromCharCode(...bytes));
  const texts: ReadonlySet<unknown> = new Set([
    placeholder,
    base64,
    JSON.stringify({ [placeholder]: placeholder }),
  ]);
  const elements: ReadonlySet<unknown> = new Set([placeholder, base64, nameUuid(bytes)]);
  const test = (value: unknown): boolean => {
    if (!Array.isArray(value)) return texts.has(value);
    if (value.length === 1) return elements.has(value[0]);
    return value.length === bytes.length && value.every((each, i) => Number(each) === bytes[i]);
  };
  lastTest = { placeholder, test };
  return test;
}

/**
 * Whether the JSON of an envelope has a text in it that somebody could take for a left-out value. Then the record needs a
 * header that says which values are left out.
 */
export function looksUnavailable(envelope: Pick<string, 'includes'>): boolean {
  return envelope.includes(UNAVAILABLE_VALUE) || envelope.includes(UNAVAILABLE_BYTES);
}

/** What Debezium puts there for a `bytea`: the same as bytes, in Base64. */
const UNAVAILABLE_BYTES = 'X19kZWJleml1bV91bmF2YWlsYWJsZV92YWx1ZQ==';

/**
 * Header of a change whose unavailable values nobody can have any more: a read that saw the change found no such row,
 * so that its delete follows. A copy without the row's earlier values loses nothing by deleting it at once.
 */
export const GONE_HEADER = 'banyan.gone';

/**
 * `shop.public.reviews` for the table `public.reviews` under the prefix `shop`. Kafka's topics have letters, digits, `.`,
 * `_` and `-` alone: as Debezium does, each other UTF-16 code unit becomes `_`, so that two tables can have one topic.
 */
export function tableTopic(prefix: string, table: string): string {
  return `${prefix}.${table}`.replaceAll(/[^A-Za-z0-9._-]/g, '_');
}

/** Topic that carries the feed's heartbeats, as Debezium names it. */
export function heartbeatTopic(prefix: string): string {
  return `__debezium-heartbeat.${prefix}`;
}

/** Topic that carries table snapshots' notifications, in Debezium's form. */
export function notificationTopic(prefix: string): string {
  return `${prefix}.notifications`;
}

/**
 * A record that Banyan itself puts on a topic: key `{"banyan":"barrier"}`, an id in header `id`. Whoever else reads the
 * topic passes over these keys.
 * - `barrier`: the consumer reports the id once everything before it is applied.
 * - `reset`: the copy of the slice in header `slice` (without one: every copy) is emptied, since a table snapshot for it
 *   follows. Copies of others have nothing to do with it.
 * - `filled`: that table snapshot has come whole. Rows of later ones (`r`) are not for this copy, until its next `reset`.
 * - `reread`: about the row whose bus key is in header `key`, on that key's partition. Without a value: its row is about
 *   to be read again at the source, under this id. With one: the row as it was read (an envelope, `r`, or `d` when there
 *   is none), which counts only if nothing else of its key has come in between.
 */
export type ControlRecordKind = 'barrier' | 'reset' | 'filled' | 'reread';

/** The bus key of a control record. */
export function controlRecordKey(kind: ControlRecordKind): string {
  return `{"banyan":"${kind}"}`;
}

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

/** Stands for a TOAST value that the WAL did not carry because the statement did not change it. */
export const UNAVAILABLE_VALUE = '__debezium_unavailable_value';

const codes = Array.from(UNAVAILABLE_VALUE, (character) => character.charCodeAt(0));
/**
 * The forms that Debezium 3.6 gives it by the column's type (tried with each): a text as it is; bytes in Base64; an
 * hstore of it alone; an array of one element, which is the text, the Base64, or the UUID (version 3, RFC 9562) of its
 * bytes; an array of whole numbers or dates, which are its bytes.
 */
const unavailableForms: ReadonlySet<unknown> = new Set([
  UNAVAILABLE_VALUE,
  'X19kZWJleml1bV91bmF2YWlsYWJsZV92YWx1ZQ==',
  'b68a35a7-17ad-35b3-af2a-ae46edb4545a',
  JSON.stringify({ [UNAVAILABLE_VALUE]: UNAVAILABLE_VALUE }),
]);

/** Whether a field stands for a value that the WAL did not carry, whatever its column's type. */
export function isUnavailable(value: unknown): boolean {
  if (!Array.isArray(value)) return unavailableForms.has(value);
  if (value.length === 1) return unavailableForms.has(value[0]);
  return value.length === codes.length && value.every((element, i) => element === codes[i]);
}

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

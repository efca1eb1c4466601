import { quoteName } from '../catalog.ts';
import type { SourceDatabase } from '../source-database.ts';
import type { ConnectorStatus } from './connect-client.ts';

/** How many changes of the log are looked through for one that Kafka refuses. Debezium is ahead of Kafka by 12,000 at most. */
const MAX_CHANGES = 20_000;
/** A row in the log and its record differ in size: Base64, escapes, columns that are not carried. */
const SIZE_RATIO = 8;
/** Where a broker refuses, it does not say how large the record was; none takes less than this without being told to. */
const UNKNOWN_BYTES = 1_000_000;

/** A record that Kafka does not take. */
export interface LargeRecord {
  /** Its size; null when it was not told. */
  readonly bytes: number | null;
  /** In words, e.g. `a record of 34,000,750 bytes is larger than 33,554,432 bytes (max.request.size)`. */
  readonly text: string;
}

/** What a task has failed of, if it is that; its first line never says so. */
export function largeRecordOf(status: ConnectorStatus | null): LargeRecord | null {
  const failed = status?.tasks.find(({ state }) => state === 'FAILED');
  const said = /RecordTooLargeException: (.*)/.exec(failed?.trace ?? '')?.[1];
  if (said === undefined) return null;
  const [, bytes, limit, setting] =
    /is (\d+) bytes .* larger than (\d+), which is the value of the (\S+)/.exec(said) ?? [];
  if (bytes === undefined) return { bytes: null, text: 'the broker refused a record as too large' };
  const count = (text = ''): string => Number(text).toLocaleString('en-US');
  return {
    bytes: Number(bytes),
    text: `a record of ${count(bytes)} bytes is larger than ${count(limit)} bytes (${setting})`,
  };
}

/**
 * Whose the record is: Connect does not say, so the changes that the slot has not let go of are looked through for the one
 * whose size is nearest. Nothing may read the slot meanwhile. Where it is another table that has as large a row, the failure
 * comes again, and the next one is found.
 *
 * @param passedOver `schema.table` of those that are known not to be meant.
 * @returns `schema.table`; null when no change is so large, as where a table snapshot read the row.
 */
export async function tableOfLargeChange(
  database: SourceDatabase,
  options: {
    readonly slot: string;
    readonly publication: string;
    readonly record: LargeRecord;
    readonly passedOver: readonly string[];
  },
  signal: AbortSignal,
): Promise<string | null> {
  const { slot, publication, record, passedOver } = options;
  const bytes = record.bytes ?? UNKNOWN_BYTES;
  // Protocol 1: a letter, then the relation's OID (the root's, of a partition), then the rows.
  const [row] = await database.query(
    `WITH change AS (
       SELECT get_byte(data, 0) AS letter, octet_length(data) AS bytes,
         ('x' || encode(substr(data, 2, 4), 'hex'))::bit(32)::bigint AS relation
       FROM pg_catalog.pg_logical_slot_peek_binary_changes($1, NULL, ${MAX_CHANGES},
         'proto_version', '1', 'publication_names', $2))
     SELECT n.nspname || '.' || c.relname AS name
     FROM change JOIN pg_catalog.pg_class c ON c.oid = change.relation
     JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
     WHERE chr(letter) IN ('I', 'U', 'D') AND bytes >= $3::bigint
       AND n.nspname || '.' || c.relname <> ALL (ARRAY(SELECT jsonb_array_elements_text($4::jsonb)))
     ORDER BY abs(ln(bytes::float8 / $5::float8)) LIMIT 1`,
    [slot, quoteName(publication), Math.ceil(bytes / SIZE_RATIO), JSON.stringify(passedOver), bytes],
    signal,
  );
  return row?.['name'] ?? null;
}

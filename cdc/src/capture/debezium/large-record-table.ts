import { quoteName } from '../../rows/table-name.ts';
import type { Bus } from '../../bus/bus.ts';
import { SIGNAL_TABLE } from '../feed/signal-table.ts';
import type { SourceDatabase } from '../postgres/source-database.ts';
import { tableInWork } from '../table-snapshot/table-snapshot-history.ts';
import { readTableSnapshotHistory } from '../table-snapshot/table-snapshot-progress.ts';
import type { LargeRecord } from './large-record.ts';

/** How many changes of the log are looked through for one that Kafka refuses. Debezium is ahead of Kafka by 10,240 at most. */
const MAX_CHANGES = 20_000;
/** A row in the log and its record differ in size: Base64, escapes, columns that are not carried. */
const SIZE_RATIO = 8;
/** Where a broker refuses, it does not say how large the record was; none takes less than this without being told to. */
const UNKNOWN_BYTES = 1_000_000;

interface Search {
  readonly database: SourceDatabase;
  readonly bus: Bus;
  /** Topic prefix. */
  readonly prefix: string;
  readonly slot: string;
  readonly publication: string;
  readonly record: LargeRecord;
  /** `schema.table` of those that are known not to be meant. */
  readonly passedOver: readonly string[];
}

/**
 * Whose the record is that Kafka did not take: Connect does not say. So the changes that the slot has not let go of are
 * looked through for the one whose size is nearest; where none is so large, a table snapshot has read the row. Nobody may
 * read the slot meanwhile. Where another table has as large a row, the failure comes again, and the next one is found.
 *
 * @returns `schema.table`; null when it cannot be told.
 */
export async function tableOf(search: Search, signal: AbortSignal): Promise<string | null> {
  const passedOver = [...search.passedOver, SIGNAL_TABLE];
  const table = (await ofLog({ ...search, passedOver }, signal)) ?? (await ofSnapshot(search, signal));
  return table === null || passedOver.includes(table) ? null : table;
}

async function ofSnapshot({ bus, prefix }: Search, signal: AbortSignal): Promise<string | null> {
  const [open] = (await readTableSnapshotHistory({ bus, prefix, signal })).open();
  return open ? tableInWork(open) : null;
}

async function ofLog(
  { database, slot, publication, record, passedOver }: Search,
  signal: AbortSignal,
): Promise<string | null> {
  const atLeast = Math.ceil((record.bytes ?? UNKNOWN_BYTES) / SIZE_RATIO);
  // Of one whose size is not known, the largest is the nearest guess.
  const target = record.bytes ?? Number.MAX_SAFE_INTEGER;
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
    [slot, quoteName(publication), atLeast, JSON.stringify(passedOver), target],
    signal,
  );
  return row?.['name'] ?? null;
}

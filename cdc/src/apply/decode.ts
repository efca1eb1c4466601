import {
  controlRecordKey,
  GONE_HEADER,
  leftOutBy,
  parseExactJson,
  type EnvelopeOp,
  type Row,
} from '@banyan/contracts';
import { z } from 'zod';
import type { StoredRecord } from '../bus/bus.ts';
import type { CompiledTable } from '../rows/mapping.ts';
import type { RowChange } from '../rows/reduce.ts';

/** A record of a table's topic, read. */
export type DecodedRecord =
  | { readonly kind: 'barrier'; readonly id: string }
  /** For the copy of this slice; null for every copy. */
  | { readonly kind: 'reset' | 'filled'; readonly slice: string | null }
  /** A row of a table snapshot that is not for this copy. */
  | { readonly kind: 'passed-over' }
  /** Follows a delete, for a compacted topic; says nothing new. */
  | { readonly kind: 'tombstone' }
  | {
      readonly kind: 'change';
      readonly change: RowChange;
      /** When the transaction committed, by the source's clock; null for a table snapshot's row. */
      readonly committedAtMs: number | null;
    };

/** A record that cannot be read. The message holds no values of the record. */
export class RecordError extends Error {
  readonly code = 'record-unreadable';
  override readonly name = 'RecordError';
}

/** The part of an envelope that the consumer reads. Values are checked by the mapping, column by column. */
const envelopeSchema = z.object({
  op: z.enum(['c', 'u', 'd', 'r', 't']),
  before: z.custom<Row>(isObject, 'expected an object').nullish(),
  after: z.custom<Row>(isObject, 'expected an object').nullish(),
  source: z.object({ ts_ms: z.number() }),
});
type ReadEnvelope = z.infer<typeof envelopeSchema>;

const heartbeatSchema = z.object({ ts_ms: z.number() });

const barrierKey = controlRecordKey('barrier');
const resetKey = controlRecordKey('reset');
const filledKey = controlRecordKey('filled');

/**
 * Reads one record of a table's topic and maps it.
 *
 * @param options.passesOverReads Rows of table snapshots are for another copy: they are not even mapped. Default false.
 * @throws RecordError when it is no envelope; MappingError when its row does not fit the mapping.
 */
export function decodeRecord(
  record: Pick<StoredRecord, 'key' | 'headers' | 'value'>,
  table: CompiledTable,
  options: { readonly passesOverReads?: boolean } = {},
): DecodedRecord {
  if (record.value === null) return decodeWithoutValue(record);
  const envelope = parseEnvelope(record.value);
  if (envelope.op === 'r' && options.passesOverReads === true) return { kind: 'passed-over' };
  return {
    kind: 'change',
    change: toChange(envelope, table, record.headers),
    committedAtMs: envelope.op === 'r' ? null : envelope.source.ts_ms,
  };
}

/** When a heartbeat was written at the source, by its clock; null when the record is no heartbeat. */
export function decodeHeartbeat(record: StoredRecord): number | null {
  try {
    return heartbeatSchema.parse(JSON.parse(record.value ?? 'null')).ts_ms;
  } catch {
    return null; // one heartbeat less is no harm; their age tells when they all are unreadable
  }
}

function decodeWithoutValue({ key, headers }: Pick<StoredRecord, 'key' | 'headers'>): DecodedRecord {
  const slice = headers['slice'] ?? null;
  if (key === resetKey) return { kind: 'reset', slice };
  if (key === filledKey) return { kind: 'filled', slice };
  if (key !== barrierKey) return { kind: 'tombstone' };
  const id = headers['id'];
  if (!id) throw new RecordError('a barrier without an id');
  return { kind: 'barrier', id };
}

/** @throws RecordError, whose message holds no values. */
export function parseEnvelope(value: string): ReadEnvelope {
  let json: unknown;
  try {
    json = JSON.parse(value);
    // Exact reading costs several times as much, and hardly any row needs it. A double that is not safe tells: no
    // integer that a double cannot hold becomes one that it can.
    if (isEnvelope(json)) return hasUnsafe(json.before) || hasUnsafe(json.after) ? exact(value) : json;
    json = parseExactJson(value);
  } catch {
    throw new RecordError('the value is not JSON'); // the parser's message would quote the value
  }
  const result = envelopeSchema.safeParse(json);
  if (result.success) return result.data;
  const problems = result.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`);
  throw new RecordError(`the value is not an envelope: ${problems.join('; ')}`);
}

const ops: ReadonlySet<unknown> = new Set(['c', 'u', 'd', 'r', 't'] satisfies EnvelopeOp[]);

/** What `envelopeSchema` lets pass, without its cost for each record. */
function isEnvelope(json: unknown): json is ReadEnvelope {
  if (!isObject(json)) return false;
  const { op, before, after, source } = json as Readonly<Record<string, unknown>>;
  const isRow = (row: unknown): boolean => row === null || row === undefined || isObject(row);
  return (
    ops.has(op) &&
    isRow(before) &&
    isRow(after) &&
    isObject(source) &&
    typeof (source as { ts_ms?: unknown }).ts_ms === 'number'
  );
}

function exact(value: string): ReadEnvelope {
  return parseExactJson(value) as ReadEnvelope; // of a text that was an envelope before
}

function hasUnsafe(row: Row | null | undefined): boolean {
  return row != null && Object.values(row).some(isUnsafe);
}

function isUnsafe(value: unknown): boolean {
  if (typeof value === 'number') return Number.isInteger(value) && !Number.isSafeInteger(value);
  return Array.isArray(value) && value.some(isUnsafe);
}

function toChange(
  { op, before, after }: ReadEnvelope,
  table: CompiledTable,
  headers: StoredRecord['headers'],
): RowChange {
  const isLeftOut = leftOutBy(headers);
  // The row is deleted by now, and its left-out values with it: to do that at once needs none of them.
  const isGone = headers[GONE_HEADER] !== undefined;
  switch (op) {
    case 't':
      return { kind: 'clear' };
    case 'd':
      if (!before) throw new RecordError('a delete without "before"');
      return { kind: 'delete', key: table.forwardKey(before, isLeftOut) };
    case 'c':
    case 'u':
    case 'r': {
      if (!after) throw new RecordError(`op "${op}" without "after"`);
      const key = table.forwardKey(after, isLeftOut);
      const row = table.forward(after, isLeftOut);
      if (isGone && table.columns.some((column) => !(column in row))) return { kind: 'delete', key };
      return { kind: 'upsert', key, row };
    }
  }
}

function isObject(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

import {
  stringifyExactJson,
  type Envelope,
  type EnvelopeOp,
  type EnvelopeSource,
  type FieldValue,
} from '@banyan/contracts';
import type { LongText } from './long-text.ts';
import { isLongRow, writeEnvelope, writeLongEnvelope } from './envelope-text.ts';

export type FieldRow = Record<string, FieldValue>;

/** What all envelopes of one feed share. */
export interface EnvelopeContext {
  readonly prefix: string;
  readonly database: string;
}

/** Version that our envelopes carry in their `source` block. */
const SOURCE_VERSION = 'banyan-1';

/** The `source` block without what only a streamed change has. */
export function envelopeSource(
  context: EnvelopeContext,
  table: { readonly schema: string; readonly table: string },
  options: { readonly atUs: bigint; readonly snapshot: string },
): EnvelopeSource {
  return {
    version: SOURCE_VERSION,
    connector: 'postgresql',
    name: context.prefix,
    ts_ms: Number(options.atUs / 1_000n),
    snapshot: options.snapshot,
    db: context.database,
    sequence: null,
    ts_us: Number(options.atUs),
    ts_ns: options.atUs * 1_000n,
    schema: table.schema,
    table: table.table,
    txId: null,
    lsn: null,
    xmin: null,
    origin: null,
    origin_lsn: null,
  };
}

interface Rows {
  readonly before: FieldRow | null;
  readonly after: FieldRow | null;
}

/** The JSON of an envelope that is made now. */
export function envelopeText(op: EnvelopeOp, rows: Rows, source: EnvelopeSource): string {
  return writeEnvelope(envelopeOf(op, rows, source));
}

/** The same, in pieces where a row has a long text. */
export function streamedEnvelope(op: EnvelopeOp, rows: Rows, source: EnvelopeSource): string | LongText {
  const envelope = envelopeOf(op, rows, source);
  return isLongRow(rows.before) || isLongRow(rows.after)
    ? writeLongEnvelope(envelope)
    : writeEnvelope(envelope);
}

function envelopeOf(op: EnvelopeOp, rows: Rows, source: EnvelopeSource): Envelope {
  const nowUs = Math.round((performance.timeOrigin + performance.now()) * 1_000);
  return {
    before: rows.before,
    after: rows.after,
    source,
    transaction: null,
    op,
    ts_ms: Math.floor(nowUs / 1_000),
    ts_us: nowUs,
    ts_ns: BigInt(nowUs) * 1_000n,
  };
}

/** The bus key of a row: its key columns in key order, as JSON. */
export function busKey(key: readonly string[], row: Readonly<Record<string, FieldValue>>): string {
  return stringifyExactJson(Object.fromEntries(key.map((name) => [name, row[name] ?? null])));
}

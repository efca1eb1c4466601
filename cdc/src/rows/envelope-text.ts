import {
  stringifyExactJson,
  type Envelope,
  type EnvelopeSource,
  type FieldValue,
  type Row,
} from '@banyan/contracts';
import { LongText, type TextPart } from './long-text.ts';

/**
 * The JSON of an envelope, as `stringifyExactJson` would write it: keys in Debezium's order, integers exact. Written
 * field by field, since one is written for every changed row, and a replacer makes JSON.stringify slow.
 *
 * @param envelope `transaction` is not supported: it has to be null.
 */
export function writeEnvelope(envelope: Envelope): string {
  return `{"before":${rowText(envelope.before)},"after":${rowText(envelope.after)}${restText(envelope)}`;
}

/** From so many characters on a text of a row is long: the envelope is then written in pieces. */
const LONG_TEXT = 1024 * 1024;

/** True when a text of the row is long. */
export function isLongRow(row: Row | null): boolean {
  for (const name in row) if (isLongText(row[name])) return true;
  return false;
}

/** The same JSON as `writeEnvelope`, in pieces. */
export function writeLongEnvelope(envelope: Envelope): LongText {
  const { before, after } = envelope;
  return new LongText([
    '{"before":',
    ...rowParts(before),
    ',"after":',
    ...rowParts(after),
    restText(envelope),
  ]);
}

function restText({ source, op, ts_ms, ts_us, ts_ns }: Envelope): string {
  return (
    `,"source":${sourceText(source)},` +
    `"transaction":null,"op":"${op}","ts_ms":${ts_ms},"ts_us":${ts_us},"ts_ns":${ts_ns}}`
  );
}

function rowParts(row: Row | null): readonly TextPart[] {
  if (row === null) return ['null'];
  const fields = Object.entries(row).flatMap(([name, field], i): readonly TextPart[] => {
    const start = `${i === 0 ? '' : ','}${JSON.stringify(name)}:`;
    return isLongText(field) ? [start, { quoted: field }] : [start + stringifyExactJson(field)];
  });
  return ['{', ...fields, '}'];
}

function isLongText(field: FieldValue | undefined): field is string {
  return typeof field === 'string' && field.length > LONG_TEXT;
}

function rowText(row: Row | null): string {
  if (row === null) return 'null';
  return Object.values(row).every(isPlain) ? JSON.stringify(row) : stringifyExactJson(row);
}

/** Nothing in it that JSON.stringify would refuse or round. */
function isPlain(field: FieldValue): boolean {
  return field === null || (typeof field !== 'bigint' && typeof field !== 'object');
}

function sourceText(source: EnvelopeSource): string {
  const { version, connector, name, ts_ms, snapshot, db, sequence, ts_us, ts_ns } = source;
  const { schema, table, txId, lsn, xmin, origin, origin_lsn } = source;
  const text = JSON.stringify;
  return (
    `{"version":${text(version)},"connector":${text(connector)},"name":${text(name)},"ts_ms":${ts_ms},` +
    `"snapshot":${text(snapshot)},"db":${text(db)},"sequence":${text(sequence)},"ts_us":${ts_us},` +
    `"ts_ns":${ts_ns},"schema":${text(schema)},"table":${text(table)},"txId":${txId},"lsn":${lsn},` +
    `"xmin":${xmin},"origin":${text(origin)},"origin_lsn":${origin_lsn}}`
  );
}

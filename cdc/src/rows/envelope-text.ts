import {
  stringifyExactJson,
  type Envelope,
  type EnvelopeSource,
  type FieldValue,
  type Row,
} from '@banyan/contracts';

/**
 * The JSON of an envelope, as `stringifyExactJson` would write it: keys in Debezium's order, integers exact. Written
 * field by field, since one is written for every changed row, and a replacer makes JSON.stringify slow.
 *
 * @param envelope `transaction` is not supported: it has to be null.
 */
export function writeEnvelope(envelope: Envelope): string {
  const { before, after, source, op, ts_ms, ts_us, ts_ns } = envelope;
  return (
    `{"before":${rowText(before)},"after":${rowText(after)},"source":${sourceText(source)},` +
    `"transaction":null,"op":"${op}","ts_ms":${ts_ms},"ts_us":${ts_us},"ts_ns":${ts_ns}}`
  );
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

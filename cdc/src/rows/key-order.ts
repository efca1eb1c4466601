import type { FieldValue } from '@banyan/contracts';

/**
 * How two keys sort at the service: numbers by value, text by its bytes (SQLite's BINARY, PostgreSQL's "C").
 *
 * @returns Below 0 when `a` comes first, 0 when equal, above 0 otherwise.
 */
export function compareKeys(a: readonly FieldValue[], b: readonly FieldValue[]): number {
  for (const [i, left] of a.entries()) {
    const order = compareValues(left, b[i] ?? null);
    if (order !== 0) return order;
  }
  return 0;
}

function compareValues(a: FieldValue, b: FieldValue): number {
  if (isNumeric(a) && isNumeric(b)) return a < b ? -1 : a > b ? 1 : 0;
  return Buffer.compare(Buffer.from(String(a)), Buffer.from(String(b)));
}

/**
 * Whether the service sorts its keys as the source does. Where the source's key is a number and the service's column
 * is text, 9 comes after 10 there, and no range is the same range at both sides.
 *
 * @param keys The service's keys in its order, as text.
 * @param like A mapped key of the source, which tells what is a number.
 */
export function isSortedLike(keys: readonly (readonly string[])[], like: readonly FieldValue[]): boolean {
  const parsed = keys.map((key) =>
    key.map((text, i) => (isNumeric(like[i] ?? null) ? toNumber(text) : text)),
  );
  return parsed.every((key, i) => i === 0 || compareKeys(parsed[i - 1] ?? [], key) < 0);
}

function toNumber(text: string): FieldValue {
  if (/^-?\d+$/.test(text)) return BigInt(text);
  return Number.isNaN(Number(text)) ? text : Number(text);
}

function isNumeric(value: FieldValue): value is number | bigint {
  return typeof value === 'number' || typeof value === 'bigint';
}

/** Types that PostgreSQL sorts as a service sorts the values that envelopes hold: numbers by value, uuid by its text. */
const sortedAlike: ReadonlySet<string> = new Set([
  ...['int2', 'int4', 'int8', 'oid', 'float4', 'float8', 'bool', 'uuid'],
  ...['date', 'time', 'timestamp', 'timestamptz'],
]);

/** Whether keys of a built-in type sort by value on both sides; all other keys sort by the bytes of their text. */
export function isSortedByValue(type: string): boolean {
  return sortedAlike.has(type);
}

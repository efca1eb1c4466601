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

function isNumeric(value: FieldValue): value is number | bigint {
  return typeof value === 'number' || typeof value === 'bigint';
}

import { createHash } from 'node:crypto';
import { stringifyExactJson, type FieldValue } from '@banyan/contracts';

/**
 * A value as the text that both sides of a verification compare, null for null: booleans as 1 and 0 and arrays as
 * JSON, as SQLite stores them; numbers in their shortest exact form; strings as they are.
 */
export function canonicalValue(value: FieldValue): string | null {
  if (value === null || typeof value === 'string') return value;
  if (typeof value === 'boolean') return value ? '1' : '0';
  return typeof value === 'object' ? stringifyExactJson(value) : value.toString();
}

/** A row's canonical values, in the mapping's column order, as one text that no other row has. */
export function canonicalRow(values: readonly FieldValue[]): string {
  return JSON.stringify(values.map(canonicalValue));
}

/** Hash of one canonical row: 32 hex digits. */
export function rowHash(row: string): string {
  return createHash('sha256').update(row).digest('hex').slice(0, 32);
}

/** Counts and hashes canonical rows in the order given. */
export interface RangeHash {
  add(row: string): void;
  report(): { rows: number; hash: string };
}

export function createRangeHash(): RangeHash {
  const hash = createHash('sha256');
  let rows = 0;
  return {
    add(row) {
      rows += 1;
      hash.update(row).update('\n');
    },
    report: () => ({ rows, hash: hash.copy().digest('hex').slice(0, 32) }),
  };
}

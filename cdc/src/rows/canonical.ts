import { createHash } from 'node:crypto';
import { stringifyExactJson, type FieldValue, type ShownField } from '@banyan/contracts';

const SHOWN_CHARACTERS = 60;

/**
 * A value as the text that both sides of a verification compare, null for null: booleans as 1 and 0 and arrays as
 * JSON, as SQLite stores them; numbers in their shortest exact form; strings as they are.
 */
export function canonicalValue(value: FieldValue): string | null {
  if (value === null || typeof value === 'string') return value;
  if (typeof value === 'boolean') return value ? '1' : '0';
  return typeof value === 'object' ? stringifyExactJson(value) : value.toString();
}

/** A row's canonical values, in the mapping's column order, as one line of text that no other row has. */
export function canonicalRow(values: readonly FieldValue[]): string {
  const texts = new Array<string | null>(values.length);
  for (let i = 0; i < values.length; i += 1) texts[i] = canonicalValue(values[i] ?? null);
  return JSON.stringify(texts);
}

/** The values that `canonicalRow` put into a row. */
export function valuesOf(row: string): readonly (string | null)[] {
  return JSON.parse(row) as (string | null)[];
}

/** Rows as the text that is hashed: each followed by a line end. */
export function textOfRows(rows: readonly { readonly row: string }[]): string {
  return rows.length === 0 ? '' : `${rows.map(({ row }) => row).join('\n')}\n`;
}

/** Hash of a canonical row, a value, or a text of rows: 32 hex digits. */
export function hashOf(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 32);
}

/** A value as it may be shown: cut, and not at all when it is personal. The hash tells whether two are equal. */
export function shownField(value: string | null, isPersonal: boolean): ShownField {
  if (value === null) return null;
  const cut = value.length > SHOWN_CHARACTERS ? `${value.slice(0, SHOWN_CHARACTERS)}…` : value;
  return { hash: hashOf(value), shown: isPersonal ? null : cut };
}

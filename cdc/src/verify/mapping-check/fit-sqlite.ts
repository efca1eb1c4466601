import type { SourceType } from './source-type.ts';

type Affinity = 'INTEGER' | 'TEXT' | 'BLOB' | 'REAL' | 'NUMERIC';

/** SQLite's rules (https://www.sqlite.org/datatype3.html, 3.1), in their order. */
function affinityOf(type: string): Affinity {
  if (/INT/i.test(type)) return 'INTEGER';
  if (/CHAR|CLOB|TEXT/i.test(type)) return 'TEXT';
  if (type === '' || /BLOB|ANY/i.test(type)) return 'BLOB';
  return /REAL|FLOA|DOUB/i.test(type) ? 'REAL' : 'NUMERIC';
}

const USE_TEXT = 'use TEXT, or a transform';

/** What would go wrong with values of this type in a column of SQLite, and what to do; null when nothing does. */
export function sqliteMisfit(source: SourceType, target: string, isKey: boolean): string | null {
  const affinity = affinityOf(target);
  switch (source.kind) {
    case 'integer':
      if (affinity === 'REAL' && source.bits === 64) return 'integers beyond 2^53 lose digits; use INTEGER';
      return affinity === 'TEXT' && isKey ? 'a key of numbers would sort as text; use INTEGER' : null;
    case 'decimal':
      return affinity === 'TEXT' || affinity === 'BLOB'
        ? null
        : `it would become a double and lose digits; ${USE_TEXT}`;
    case 'float':
      return affinity === 'TEXT' ? 'SQLite writes a double as text of 15 digits; use REAL' : null;
    case 'boolean':
      return affinity === 'REAL' ? 'it comes as 1 and 0; use INTEGER' : null;
    case 'date':
    case 'time':
      return null;
    case 'timestamp':
      return affinity === 'REAL' ? 'it comes as whole microseconds; use INTEGER' : null;
    case 'bytes':
      return affinity === 'TEXT' ? null : 'it comes as base64 text; use TEXT';
    case 'array':
      return affinity === 'TEXT' || affinity === 'BLOB' ? null : 'it comes as JSON text; use TEXT';
    case 'timestamptz':
    case 'formed':
      return affinity === 'INTEGER' || affinity === 'REAL' ? `it comes as text; ${USE_TEXT}` : null;
    case 'text':
    case 'json':
    case 'jsonb':
      return affinity === 'TEXT' || affinity === 'BLOB'
        ? null
        : `a text that looks like a number, such as 007, would become one; ${USE_TEXT}`;
    case 'other':
      return null;
  }
}

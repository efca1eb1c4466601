import type { FieldValue, Row } from '@banyan/contracts';
import { fromTable, type CatalogColumn, type CatalogTable } from './catalog.ts';
import type { KeySorting } from './key-sorting.ts';
import type { AskDatabase, TextRow } from './source-database.ts';
import { quoteName } from '../../rows/table-name.ts';

/** Rows of a table in (afterKey, toKey], in the order of the service's keys. Key values are PostgreSQL's text. */
export interface SortedRange {
  readonly table: string;
  readonly columns: readonly string[];
  readonly key: readonly string[];
  readonly afterKey: readonly string[] | null;
  readonly toKey: readonly string[] | null;
  readonly limit: number;
  /** Also read what tells that a row was written since, see `SortedPage.versionAt`. Default false. */
  readonly withVersions?: boolean;
}

/** The first rows of a range. */
export interface SortedPage {
  /** Decoded exactly as envelopes decode them. */
  readonly rows: readonly Row[];
  /** The key of `rows[index]` as PostgreSQL's text. */
  keyAt(index: number): readonly string[];
  /**
   * Changes with every committed change of `rows[index]`, also with one that leaves it as it was before (PostgreSQL's
   * xmin). Empty without `withVersions`.
   */
  versionAt(index: number): string;
  /** False when a key's text in an envelope is not what PostgreSQL reads for it (date, time, timestamp). */
  readonly isKeyTextShared: boolean;
  /** Key columns that are sorted by their bytes though PostgreSQL sorts them otherwise. */
  readonly bytewise: readonly string[];
}

/** Reads the first rows of a range, keyset by keyset. */
export async function readSortedPage(options: {
  readonly range: SortedRange;
  readonly table: CatalogTable;
  readonly sorting: KeySorting;
  readonly columns: readonly CatalogColumn[];
  readonly ask: AskDatabase;
}): Promise<SortedPage> {
  const { range, table, sorting, columns, ask } = options;
  const { key, afterKey, toKey, limit } = range;
  const values: unknown[] = [];
  const keyList = sorting.expressions.join(', ');
  const compare = (operator: string, bound: readonly string[] | null): string[] => {
    if (!bound) return [];
    const places = bound.map((value) => `$${values.push(value)}`);
    return [`(${keyList}) ${operator} (${places.join(', ')})`];
  };
  const where = [...compare('>', afterKey), ...compare('<=', toKey)];
  const version = range.withVersions ? ', xmin::text AS "banyan xmin"' : '';
  const texts = await ask(
    `SELECT ${range.columns.map(quoteName).join(', ')}${version}
     FROM ${fromTable(table)}
     ${where.length > 0 ? `WHERE ${where.join(' AND ')}` : ''}
     ORDER BY ${keyList} LIMIT ${limit}`,
    values,
  );
  return {
    rows: texts.map((row) => decode(columns, row)),
    keyAt: (index) => key.map((column) => texts[index]?.[column] ?? ''),
    versionAt: (index) => texts[index]?.['banyan xmin'] ?? '',
    isKeyTextShared: sorting.isKeyTextShared,
    bytewise: sorting.bytewise,
  };
}

/** A loop instead of entries: a verification decodes every row of a table. */
function decode(columns: readonly CatalogColumn[], texts: TextRow): Row {
  const row: Record<string, FieldValue> = {};
  for (const { name, decode: decodeText } of columns) {
    const text = texts[name];
    row[name] = text == null ? null : decodeText(text);
  }
  return row;
}

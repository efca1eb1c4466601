import { fromTable, type CatalogTable } from './catalog.ts';
import type { AskDatabase, TextRow } from './source-database.ts';
import { quoteName } from '../../rows/table-name.ts';

/** Rows of a table in (afterKey, toKey] by primary key. Key values are PostgreSQL's text. */
export interface KeyRange {
  readonly table: Pick<CatalogTable, 'schema' | 'table' | 'partitioned'>;
  readonly columns: readonly string[];
  readonly key: readonly string[];
  readonly afterKey: readonly string[] | null;
  readonly toKey: readonly string[] | null;
  readonly limit: number;
}

/** Reads a range as texts, in key order. */
export function readKeyRange(range: KeyRange, ask: AskDatabase): Promise<readonly TextRow[]> {
  const { table, columns, key, afterKey, toKey, limit } = range;
  const values: unknown[] = [];
  const keyList = key.map(quoteName).join(', ');
  const compare = (operator: string, bound: readonly string[] | null): string[] => {
    if (!bound) return [];
    // Parameters take the columns' own types, so the index on the key serves the comparison.
    const places = bound.map((value) => `$${values.push(value)}`);
    return [`(${keyList}) ${operator} (${places.join(', ')})`];
  };
  const where = [...compare('>', afterKey), ...compare('<=', toKey)];
  return ask(
    `SELECT ${columns.map(quoteName).join(', ')} FROM ${fromTable(table)}
     ${where.length > 0 ? `WHERE ${where.join(' AND ')}` : ''}
     ORDER BY ${keyList} LIMIT ${limit}`,
    values,
  );
}

import { quoteTable } from '../../rows/table-name.ts';
import type { AskDatabase } from './source-database.ts';

/**
 * Sets of columns, by `schema.table`, of which no two rows ever hold the same values, not even between two statements:
 * unique indexes of all rows, valid and not DEFERRABLE. Tables that are gone are left out.
 */
export async function readUniqueKeys(
  tables: readonly string[],
  ask: AskDatabase,
): Promise<ReadonlyMap<string, readonly (readonly string[])[]>> {
  const rows = await ask(
    `SELECT given.place, (SELECT json_agg(a.attname) FROM pg_catalog.pg_attribute a
       WHERE a.attrelid = i.indrelid AND a.attnum = ANY ((i.indkey::int2[])[0:i.indnkeyatts - 1])) AS columns
     FROM unnest($1::text[]) WITH ORDINALITY AS given (name, place)
     JOIN pg_catalog.pg_index i ON i.indrelid = to_regclass(given.name)
     WHERE i.indisunique AND i.indisvalid AND i.indimmediate AND i.indpred IS NULL AND i.indexprs IS NULL`,
    [tables.map(quoteTable)],
  );
  const byPlace = Map.groupBy(rows, (row) => Number(row['place']));
  return new Map(
    tables.map((table, i) => [
      table,
      (byPlace.get(i + 1) ?? []).map((row) => JSON.parse(row['columns'] ?? '[]') as string[]),
    ]),
  );
}

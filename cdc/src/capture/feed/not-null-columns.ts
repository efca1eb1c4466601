import { quoteTable } from '../../rows/table-name.ts';
import type { AskDatabase } from '../postgres/source-database.ts';

/** Columns that are never null, by `schema.table`; those of a NOT NULL domain count. Tables that are gone are left out. */
export async function readNotNullColumns(
  tables: readonly string[],
  ask: AskDatabase,
): Promise<ReadonlyMap<string, readonly string[]>> {
  const rows = await ask(
    `SELECT given.place, a.attname AS name
     FROM unnest($1::text[]) WITH ORDINALITY AS given (name, place)
     JOIN pg_catalog.pg_attribute a ON a.attrelid = to_regclass(given.name) AND a.attnum > 0 AND NOT a.attisdropped
     JOIN pg_catalog.pg_type t ON t.oid = a.atttypid
     WHERE a.attnotnull OR t.typnotnull`,
    [tables.map(quoteTable)],
  );
  const byPlace = Map.groupBy(rows, (row) => Number(row['place']));
  return new Map(
    tables.map((table, i) => [table, (byPlace.get(i + 1) ?? []).map((row) => row['name'] ?? '')]),
  );
}

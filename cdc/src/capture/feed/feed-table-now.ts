import { readTable, type CatalogTable, type TypeCatalog } from '../postgres/catalog.ts';
import { readFeedColumns } from './feed-columns.ts';
import { SIGNAL_TABLE } from './signal-table.ts';
import type { AskDatabase } from '../postgres/source-database.ts';

/** The table as it is now, with the columns that the feed carries; or why the feed does not carry it. */
export async function feedTableNow(
  options: { readonly name: string; readonly types: TypeCatalog; readonly publication: string },
  ask: AskDatabase,
): Promise<CatalogTable | 'UNKNOWN_SCHEMA' | 'NO_PRIMARY_KEY' | 'NOT_PUBLISHED'> {
  const { name, types, publication } = options;
  const table = await describe(name, types, ask);
  if (!table) return 'UNKNOWN_SCHEMA';
  if (table.key.length === 0) return 'NO_PRIMARY_KEY';
  if (!(await isPublished(publication, table, ask))) return 'NOT_PUBLISHED';
  const carried = (await readFeedColumns(ask, name)).get(name);
  if (!carried) return 'NOT_PUBLISHED';
  const columns = table.columns.filter(
    (column) => carried.has(column.name) || table.key.includes(column.name),
  );
  return { ...table, columns };
}

async function describe(name: string, types: TypeCatalog, ask: AskDatabase): Promise<CatalogTable | null> {
  if (!/^[^.]+\.[^.]+$/.test(name) || name === SIGNAL_TABLE) return null;
  return await readTable(name, types, ask);
}

async function isPublished(publication: string, table: CatalogTable, ask: AskDatabase): Promise<boolean> {
  const rows = await ask(
    `SELECT 1 FROM pg_catalog.pg_publication_tables
     WHERE pubname = $1 AND schemaname = $2 AND tablename = $3`,
    [publication, table.schema, table.table],
  );
  return rows.length > 0;
}

import { KEY_COLUMNS, parseNames } from '../postgres/catalog.ts';
import { readFeedColumns } from '../feed/feed-columns.ts';
import type { SourceDatabase } from '../postgres/source-database.ts';
import type { IncludedTable } from './connector-config.ts';

/**
 * What a connector is to read of these tables: their keys, and the columns that are carried. Left out is a table of which
 * nothing is.
 *
 * @param names `schema.table`.
 */
export async function readIncludedTables(
  database: SourceDatabase,
  names: readonly string[],
  signal: AbortSignal,
): Promise<readonly IncludedTable[]> {
  return await database.onConnection(async (ask) => {
    const carried = await readFeedColumns(ask);
    const rows = await ask(
      `SELECT n.nspname || '.' || c.relname AS name, ${KEY_COLUMNS} AS key,
         (SELECT json_agg(a.attname ORDER BY a.attnum) FROM pg_catalog.pg_attribute a
           WHERE a.attrelid = c.oid AND a.attnum > 0 AND a.attgenerated <> '') AS generated
       FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
       WHERE n.nspname || '.' || c.relname = ANY ($1) AND c.relkind IN ('r', 'p') ORDER BY 1`,
      [names],
    );
    return rows.flatMap((row): IncludedTable[] => {
      const name = row['name'] ?? '';
      const columns = carried.get(name)?.names;
      if (columns === undefined) return [];
      const generated = parseNames(row['generated']);
      if (columns === 'every') return [{ name, columns, generated }];
      const wanted = [...new Set([...parseNames(row['key']), ...columns])];
      return [{ name, columns: wanted.filter((column) => !generated.includes(column)), generated }];
    });
  }, signal);
}

import { isDeepStrictEqual } from 'node:util';
import { SIGNAL_TABLE } from './feed-table.ts';
import { readTable, type CatalogTable, type TypeCatalog } from '../source/catalog.ts';
import { readConsistently } from '../source/consistent-read.ts';
import { readKeyRange } from '../source/key-range.ts';
import type { AskDatabase, SourceDatabase, TextRow } from '../source/source-database.ts';
import type { TableScan } from '../source/table-snapshot-history.ts';
import type { TableScanStatus } from '../source/table-snapshot-notifications.ts';
import type { TransactionSnapshot } from '../source/transaction-visibility.ts';

/** What reading the next rows of a table came to. */
export type ChunkContent =
  | {
      readonly kind: 'rows';
      readonly table: CatalogTable;
      readonly rows: readonly TextRow[];
      readonly snapshot: TransactionSnapshot;
      readonly readAtMs: number;
      /** The table's key is another than that of the scan so far: these are its first rows again. */
      readonly isRestarted: boolean;
    }
  | { readonly kind: 'refused'; readonly status: TableScanStatus };

/** Reads the rows after the last key of a scan, from the beginning without one, in one snapshot of the database. */
export async function readChunk(options: {
  readonly database: SourceDatabase;
  readonly types: TypeCatalog;
  readonly publication: string;
  readonly table: string;
  readonly scan: TableScan | null;
  readonly maxRows: number;
  readonly signal: AbortSignal;
}): Promise<ChunkContent> {
  const { database, types, publication, table: name, scan, maxRows, signal } = options;
  const { snapshot, result } = await readConsistently(database, signal, async (ask) => {
    const table = await feedTableNow({ name, types, publication }, ask);
    if (typeof table === 'string') return { status: table };
    const isSameKey = scan !== null && isDeepStrictEqual(scan.keyColumns, table.key);
    const rows = await readKeyRange(
      {
        table,
        columns: table.columns.map((column) => column.name),
        key: table.key,
        afterKey: isSameKey ? scan.lastKey : null,
        toKey: null,
        limit: maxRows,
      },
      ask,
    );
    return { table, rows, isRestarted: scan !== null && !isSameKey };
  });
  return 'status' in result
    ? { kind: 'refused', status: result.status }
    : { kind: 'rows', ...result, snapshot, readAtMs: Date.now() };
}

/** The table as it is now, or why the feed does not carry it. */
export async function feedTableNow(
  options: { readonly name: string; readonly types: TypeCatalog; readonly publication: string },
  ask: AskDatabase,
): Promise<CatalogTable | 'UNKNOWN_SCHEMA' | 'NO_PRIMARY_KEY' | 'NOT_PUBLISHED'> {
  const { name, types, publication } = options;
  const table = await describe(name, types, ask);
  if (!table) return 'UNKNOWN_SCHEMA';
  if (table.key.length === 0) return 'NO_PRIMARY_KEY';
  return (await isPublished(publication, table, ask)) ? table : 'NOT_PUBLISHED';
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

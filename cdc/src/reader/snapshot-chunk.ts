import { SIGNAL_TABLE } from './feed-table.ts';
import { readTable, type CatalogTable, type TypeCatalog } from '../source/catalog.ts';
import { readConsistently } from '../source/consistent-read.ts';
import { readKeyRange } from '../source/key-range.ts';
import type { AskDatabase, SourceDatabase, TextRow } from '../source/source-database.ts';
import type { OpenTableSnapshot, TableScanStatus } from '../source/table-snapshot-notifications.ts';
import type { TransactionSnapshot } from '../source/transaction-visibility.ts';

/** What reading the next rows of a table came to. */
export type ChunkContent =
  | {
      readonly kind: 'rows';
      readonly table: CatalogTable;
      readonly rows: readonly TextRow[];
      readonly snapshot: TransactionSnapshot;
      readonly readAtMs: number;
    }
  | { readonly kind: 'refused'; readonly status: TableScanStatus };

/** Reads the rows after the last key of a table snapshot, in one snapshot of the database. */
export async function readChunk(options: {
  readonly database: SourceDatabase;
  readonly types: TypeCatalog;
  readonly publication: string;
  readonly work: OpenTableSnapshot;
  readonly maxRows: number;
  readonly signal: AbortSignal;
}): Promise<ChunkContent> {
  const { database, types, publication, work, maxRows, signal } = options;
  const name = work.tables[work.tableIndex] ?? '';
  const { snapshot, result } = await readConsistently(database, signal, async (ask) => {
    const table = await describe(name, types, ask);
    if (!table) return { status: 'UNKNOWN_SCHEMA' as const };
    if (table.key.length === 0) return { status: 'NO_PRIMARY_KEY' as const };
    if (!(await isPublished(publication, table, ask))) return { status: 'NOT_PUBLISHED' as const };
    const rows = await readKeyRange(
      {
        table,
        columns: table.columns.map((column) => column.name),
        key: table.key,
        afterKey: work.scan?.lastKey ?? null,
        toKey: null,
        limit: maxRows,
      },
      ask,
    );
    return { table, rows };
  });
  return 'status' in result
    ? { kind: 'refused', status: result.status }
    : { kind: 'rows', ...result, snapshot, readAtMs: Date.now() };
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

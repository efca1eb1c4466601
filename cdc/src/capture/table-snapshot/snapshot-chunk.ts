import { isDeepStrictEqual } from 'node:util';
import type { CatalogTable, TypeCatalog } from '../postgres/catalog.ts';
import { readConsistently } from '../postgres/consistent-read.ts';
import { feedTableNow } from '../feed/feed-table-now.ts';
import { readKeyRange } from '../postgres/key-range.ts';
import type { SourceDatabase, TextRow } from '../postgres/source-database.ts';
import type { TableScan } from './table-snapshot-history.ts';
import type { TableScanStatus } from './table-snapshot-notifications.ts';
import type { TransactionSnapshot } from '../postgres/transaction-visibility.ts';

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

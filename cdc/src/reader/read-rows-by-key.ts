import pg from 'pg';
import { fromTable, type CatalogTable, type TypeCatalog } from '../source/catalog.ts';
import { readConsistently } from '../source/consistent-read.ts';
import type { AskDatabase, SourceDatabase, TextRow } from '../source/source-database.ts';
import type { RowRereadProblem } from '../source/table-snapshot-notifications.ts';
import { quoteName, quoteParts } from '../source/table-name.ts';
import type { TransactionSnapshot } from '../source/transaction-visibility.ts';
import { feedTableNow } from './snapshot-chunk.ts';

/** A row that was looked for. */
export interface FoundRow {
  /** Key columns and their values as PostgreSQL prints them, however they were asked for. */
  readonly key: TextRow;
  /** Null when there is no such row. */
  readonly row: TextRow | null;
}

/** What looking for rows came to; the rows stand in the order of the keys. */
export type RowsByKey =
  | {
      readonly kind: 'rows';
      readonly table: CatalogTable;
      readonly rows: readonly FoundRow[];
      readonly snapshot: TransactionSnapshot;
      readonly readAtMs: number;
    }
  | { readonly kind: 'refused'; readonly status: RowRereadProblem; readonly reason: string };

const reasons = {
  UNKNOWN_SCHEMA: 'there is no such table',
  NO_PRIMARY_KEY: 'the table has no primary key',
  NOT_PUBLISHED: 'the table is not in the feed',
} as const;

/** Reads rows by their keys in one snapshot of the database. */
export async function readRowsByKey(options: {
  readonly database: SourceDatabase;
  readonly types: TypeCatalog;
  readonly publication: string;
  readonly table: string;
  /** Key values as text, in key order. */
  readonly keys: readonly (readonly string[])[];
  readonly signal: AbortSignal;
}): Promise<RowsByKey> {
  const { database, types, publication, table: name, keys, signal } = options;
  const refuse = (status: RowRereadProblem, reason: string): RowsByKey => ({
    kind: 'refused',
    status,
    reason: `${name}: ${reason}`,
  });
  try {
    const { snapshot, result } = await readConsistently(database, signal, async (ask) => {
      const table = await feedTableNow({ name, types, publication }, ask);
      if (typeof table === 'string') return refuse(table, reasons[table]);
      const wrong = keys.find((key) => key.length !== table.key.length);
      if (wrong) {
        const wanted = `${table.key.length} values (${table.key.join(', ')})`;
        return refuse('WRONG_KEY', `a key has ${wanted}, got ${JSON.stringify(wrong)}`);
      }
      return { table, rows: await find(table, keys, ask) };
    });
    return 'kind' in result ? result : { kind: 'rows', ...result, snapshot, readAtMs: Date.now() };
  } catch (error) {
    // 22: the text is no value of the column's type; 23514: none of its domain.
    if (error instanceof pg.DatabaseError && /^(22|23514)/.test(error.code ?? '')) {
      return refuse('WRONG_KEY', error.message);
    }
    throw error;
  }
}

async function find(
  table: CatalogTable,
  keys: readonly (readonly string[])[],
  ask: AskDatabase,
): Promise<readonly FoundRow[]> {
  const types = await keyTypes(table, ask);
  const asked = table.key.map((name, place) => ({
    column: `t.${quoteName(name)}`,
    value: `k.v${place}::${types.get(name) ?? 'text'}`,
    as: `banyan:${place}`,
  }));
  const rows = await ask(
    `SELECT t.tableoid IS NOT NULL AS "banyan:found",
       ${asked.map(({ value, as }) => `${value} AS ${quoteName(as)}`).join(', ')},
       ${table.columns.map((column) => `t.${quoteName(column.name)}`).join(', ')}
     FROM unnest(${asked.map((_, place) => `$${place + 1}::text[]`).join(', ')})
       WITH ORDINALITY AS k (${asked.map((_, place) => `v${place}`).join(', ')}, place)
     LEFT JOIN ${fromTable(table)} t ON ${asked.map(({ column, value }) => `${column} = ${value}`).join(' AND ')}
     ORDER BY k.place`,
    table.key.map((_, place) => keys.map((key) => key[place])),
  );
  return rows.map((row) => ({
    key: Object.fromEntries(table.key.map((column, place) => [column, row[`banyan:${place}`] ?? null])),
    row: row['banyan:found'] === 't' ? row : null,
  }));
}

/** Without length and precision, since a cast to those would cut a value that is too long, and find another row. */
async function keyTypes(table: CatalogTable, ask: AskDatabase): Promise<ReadonlyMap<string, string>> {
  const rows = await ask(
    `SELECT attname AS name, format_type(atttypid, -1) AS type FROM pg_catalog.pg_attribute
     WHERE attrelid = $1::regclass AND attname = ANY ($2)`,
    [quoteParts(table), table.key],
  );
  return new Map(rows.map((row) => [row['name'] ?? '', row['type'] ?? 'text']));
}

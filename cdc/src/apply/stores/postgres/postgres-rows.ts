import type { FieldValue, Row } from '@banyan/contracts';
import { StoreError } from '../../apply-store.ts';
import { chunkRows } from '../../chunk-rows.ts';
import type { CompiledTable } from '../../../rows/mapping.ts';
import type { PostgresColumn, RunPostgres } from './postgres-columns.ts';
import { arrayLiteral, postgresText } from './postgres-values.ts';
import { missingRow, type TableChange } from '../../../rows/reduce.ts';
import { quoteName as quote } from '../../../rows/table-name.ts';

/** Columns of a target table by name. */
export type ColumnsByName = ReadonlyMap<string, PostgresColumn>;

type TextRow = readonly (string | null)[];

/**
 * Writes a table's reduced change: one statement each for clearing, deletes, upserts, and updates of each set of
 * columns, in parts of bounded size. Values go in as one array of texts a column, which keeps every value exact and the
 * statement the same however many rows it carries.
 */
export async function writePostgresTable(options: {
  readonly run: RunPostgres;
  readonly table: CompiledTable;
  readonly columns: ColumnsByName;
  readonly change: TableChange;
}): Promise<void> {
  const { run, table, columns, change } = options;
  // 1. clear, 2. deletes, 3. upserts: a new row may take a unique value that a deleted one had.
  if (change.clear) await run(`DELETE FROM ${quote(table.target)}`);
  else await deleteRows(run, table, columns, change.deletes);
  await upsertRows(run, table, columns, change.upserts);
  await updateRows(run, table, columns, change.updates);
}

/** The column, or an error that says what is missing. @throws StoreError */
export function columnOf(table: CompiledTable, columns: ColumnsByName, name: string): PostgresColumn {
  const column = columns.get(name);
  if (column) return column;
  const what = columns.size === 0 ? `there is no table "${table.target}"` : `it has no column "${name}"`;
  throw new StoreError('42703', `${table.target}: ${what}`);
}

async function deleteRows(
  run: RunPostgres,
  table: CompiledTable,
  columns: ColumnsByName,
  keys: TableChange['deletes'],
): Promise<void> {
  const types = table.key.map((name) => columnOf(table, columns, name));
  for (const part of parts(keys, types)) {
    await run(
      `DELETE FROM ${quote(table.target)} AS target USING ${unnest(types)}
       WHERE ${table.key.map((name, i) => `target.${quote(name)} = ${given(types, i)}`).join(' AND ')}`,
      toArrays(part, types.length),
    );
  }
}

async function upsertRows(
  run: RunPostgres,
  table: CompiledTable,
  columns: ColumnsByName,
  rows: readonly Row[],
): Promise<void> {
  if (rows.length === 0) return;
  const types = table.columns.map((name) => columnOf(table, columns, name));
  const others = table.columns.filter((column) => !table.key.includes(column)).map(quote);
  const action =
    others.length === 0
      ? 'NOTHING'
      : `UPDATE SET ${others.map((column) => `${column} = excluded.${column}`).join(', ')}`;
  const sql = `INSERT INTO ${quote(table.target)} (${table.columns.map(quote).join(', ')})
     OVERRIDING SYSTEM VALUE
     SELECT ${types.map((_, i) => given(types, i)).join(', ')} FROM ${unnest(types)}
     ON CONFLICT (${table.key.map(quote).join(', ')}) DO ${action}`;
  for (const part of parts(
    rows.map((row) => pick(row, table.columns)),
    types,
  )) {
    await run(sql, toArrays(part, types.length));
  }
}

async function updateRows(
  run: RunPostgres,
  table: CompiledTable,
  columns: ColumnsByName,
  rows: readonly Row[],
): Promise<void> {
  const bySet = Map.groupBy(rows, (row) => table.columns.filter((column) => column in row).join('\0'));
  for (const ofSet of bySet.values()) {
    const [first = {}] = ofSet;
    const others = table.columns.filter((column) => column in first && !table.key.includes(column));
    const names = [...table.key, ...others];
    const types = names.map((name) => columnOf(table, columns, name));
    // A row of key columns alone still has to be there: set the first key column to itself.
    const set = others.length > 0 ? others : names.slice(0, 1);
    const sql = `UPDATE ${quote(table.target)} AS target
       SET ${set.map((name) => `${quote(name)} = ${given(types, names.indexOf(name))}`).join(', ')}
       FROM ${unnest(types)}
       WHERE ${table.key.map((name, i) => `target.${quote(name)} = ${given(types, i)}`).join(' AND ')}`;
    for (const part of parts(
      ofSet.map((row) => pick(row, names)),
      types,
    )) {
      const { rowCount } = await run(sql, toArrays(part, types.length));
      if (rowCount < part.length) throw missingRow(table);
    }
  }
}

function pick(row: Row, names: readonly string[]): FieldValue[] {
  return names.map((name) => row[name] ?? null);
}

function parts(
  rows: readonly (readonly FieldValue[])[],
  types: readonly PostgresColumn[],
): Generator<readonly TextRow[]> {
  const texts = rows.map((row) => types.map(({ type }, i) => postgresText(row[i] ?? null, type)));
  return chunkRows(texts, (row) => row.reduce((sum, text) => sum + (text?.length ?? 0), 0));
}

/** One array of texts a column. */
function toArrays(rows: readonly TextRow[], width: number): string[] {
  return Array.from({ length: width }, (_, i) => arrayLiteral(rows.map((row) => row[i] ?? null)));
}

function unnest(types: readonly PostgresColumn[]): string {
  const places = types.map(() => '?::text[]').join(', ');
  return `unnest(${places}) AS given (${types.map((_, i) => `c${i}`).join(', ')})`;
}

function given(types: readonly PostgresColumn[], i: number): string {
  return `given.c${i}::${types[i]?.cast ?? 'text'}`;
}

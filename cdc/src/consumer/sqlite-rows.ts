import { stringifyExactJson, type FieldValue } from '@banyan/contracts';
import type { RunSql } from '../sqlite/transaction.ts';
import type { CompiledTable } from './mapping.ts';
import { RowRejectedError, type TableChange } from './reduce.ts';

/**
 * Writes a table's reduced change: one statement each for clearing, deletes, upserts, and updates of each set of
 * columns. Values go in as one JSON parameter, which keeps 64-bit integers exact (the driver would bind doubles) and
 * gives booleans as 1 and 0; arrays become JSON text.
 */
export async function writeTable(run: RunSql, table: CompiledTable, change: TableChange): Promise<void> {
  // 1. clear, 2. deletes, 3. upserts: a new row may take a unique value that a deleted one had.
  if (change.clear) await run(`DELETE FROM ${quote(table.target)}`);
  await deleteRows(run, table, change);
  if (change.upserts.length > 0) {
    await run(upsertStatement(table), [toJson(change.upserts.map((row) => pick(row, table.columns)))]);
  }
  await updateRows(run, table, change);
}

/** An SQL identifier. */
export function quote(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

async function deleteRows(run: RunSql, { target, key }: CompiledTable, change: TableChange): Promise<void> {
  if (change.clear || change.deletes.length === 0) return;
  await run(
    `DELETE FROM ${quote(target)}
     WHERE (${key.map(quote).join(', ')}) IN (SELECT ${fields(key.length)} FROM json_each(?))`,
    [toJson(change.deletes)],
  );
}

function upsertStatement({ target, columns, key }: CompiledTable): string {
  const others = columns.filter((column) => !key.includes(column)).map(quote);
  const action =
    others.length === 0
      ? 'NOTHING'
      : `UPDATE SET ${others.map((column) => `${column} = excluded.${column}`).join(', ')}`;
  return `INSERT INTO ${quote(target)} (${columns.map(quote).join(', ')})
    SELECT ${fields(columns.length)} FROM json_each(?) WHERE true
    ON CONFLICT (${key.map(quote).join(', ')}) DO ${action}`;
}

async function updateRows(run: RunSql, table: CompiledTable, { updates }: TableChange): Promise<void> {
  const bySet = Map.groupBy(updates, (row) => table.columns.filter((column) => column in row).join('\0'));
  for (const rows of bySet.values()) {
    const present = table.columns.filter((column) => rows[0] && column in rows[0]);
    const columns = [...table.key, ...present.filter((column) => !table.key.includes(column))];
    const field = (column: string): string => `changed.value ->> ${columns.indexOf(column)}`;
    // A row of key columns alone still has to be there: set the first key column to itself.
    const set = columns.length > table.key.length ? columns.slice(table.key.length) : columns.slice(0, 1);
    const updated = await run(
      `UPDATE ${quote(table.target)} AS target
       SET ${set.map((column) => `${quote(column)} = ${field(column)}`).join(', ')}
       FROM json_each(?) AS changed
       WHERE ${table.key.map((column) => `target.${quote(column)} = ${field(column)}`).join(' AND ')}
       RETURNING 1`,
      [toJson(rows.map((row) => pick(row, columns)))],
    );
    if (updated.length < rows.length) {
      throw new RowRejectedError(
        `${table.target}: a value was left out, and there is no earlier row to keep it`,
      );
    }
  }
}

function fields(count: number): string {
  return Array.from({ length: count }, (_, i) => `value ->> ${i}`).join(', ');
}

function pick(row: Readonly<Record<string, FieldValue>>, columns: readonly string[]): FieldValue[] {
  return columns.map((column) => row[column] ?? null);
}

function toJson(rows: readonly (readonly FieldValue[])[]): string {
  return stringifyExactJson(
    rows.map((row) => row.map((value) => (Array.isArray(value) ? stringifyExactJson(value) : value))),
  );
}

import { stringifyExactJson, type FieldValue } from '@banyan/contracts';
import { quoteName as quote } from '../source/catalog.ts';
import type { RunSql } from '../sqlite/transaction.ts';
import { chunkRows } from './chunk-rows.ts';
import type { CompiledTable } from './mapping.ts';
import { missingRow, type TableChange } from './reduce.ts';

/**
 * Writes a table's reduced change: one statement each for clearing, deletes, upserts, and updates of each set of
 * columns, in parts of bounded size. Values go in as one JSON parameter, which keeps 64-bit integers exact (the driver would bind doubles) and
 * gives booleans as 1 and 0; arrays become JSON text.
 */
export async function writeTable(run: RunSql, table: CompiledTable, change: TableChange): Promise<void> {
  // 1. clear, 2. deletes, 3. upserts: a new row may take a unique value that a deleted one had.
  if (change.clear) await run(`DELETE FROM ${quote(table.target)}`);
  await deleteRows(run, table, change);
  const upsert = upsertStatement(table);
  for (const part of parts(change.upserts.map((row) => pick(row, table.columns)))) {
    await run(upsert, [part.json]);
  }
  await updateRows(run, table, change);
}

async function deleteRows(run: RunSql, { target, key }: CompiledTable, change: TableChange): Promise<void> {
  if (change.clear) return;
  for (const part of parts(change.deletes)) {
    await run(
      `DELETE FROM ${quote(target)}
       WHERE (${key.map(quote).join(', ')}) IN (SELECT ${fields(key.length)} FROM json_each(?))`,
      [part.json],
    );
  }
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
    const sql = `UPDATE ${quote(table.target)} AS target
       SET ${set.map((column) => `${quote(column)} = ${field(column)}`).join(', ')}
       FROM json_each(?) AS changed
       WHERE ${table.key.map((column) => `target.${quote(column)} = ${field(column)}`).join(' AND ')}
       RETURNING 1`;
    for (const part of parts(rows.map((row) => pick(row, columns)))) {
      const updated = await run(sql, [part.json]);
      if (updated.length < part.rows) throw missingRow(table);
    }
  }
}

function fields(count: number): string {
  return Array.from({ length: count }, (_, i) => `value ->> ${i}`).join(', ');
}

function pick(row: Readonly<Record<string, FieldValue>>, columns: readonly string[]): FieldValue[] {
  return columns.map((column) => row[column] ?? null);
}

/** Rows as JSON, in parts that one statement each can carry. */
function* parts(rows: readonly (readonly FieldValue[])[]): Generator<{ json: string; rows: number }> {
  const texts = rows.map((row) => `[${row.map((value) => jsonText(value)).join(',')}]`);
  for (const part of chunkRows(texts, (text) => text.length)) {
    yield { json: `[${part.join(',')}]`, rows: part.length };
  }
}

function jsonText(value: FieldValue): string {
  if (typeof value === 'bigint') return value.toString();
  return JSON.stringify(typeof value === 'object' && value !== null ? stringifyExactJson(value) : value);
}

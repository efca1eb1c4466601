import { stringifyExactJson, type FieldValue } from '@banyan/contracts';
import { quoteName as quote } from '../../../rows/table-name.ts';
import type { RunSql } from '@banyan/kit/sqlite';
import { chunkRows } from '../../chunk-rows.ts';
import type { CompiledTable } from '../../../rows/mapping.ts';
import { missingRow, type TableChange } from '../../../rows/reduce.ts';

/**
 * Writes a table's reduced change: one statement each for clearing, deletes, upserts, and updates of each set of
 * columns, in parts of bounded size. Values go in as one JSON parameter, which keeps 64-bit integers exact (the driver would bind doubles) and
 * gives booleans as 1 and 0; arrays become JSON text. Long texts are parameters of their own.
 */
export async function writeTable(run: RunSql, table: CompiledTable, change: TableChange): Promise<void> {
  // 1. clear, 2. deletes, 3. upserts: a new row may take a unique value that a deleted one had.
  if (change.clear) await run(`DELETE FROM ${quote(table.target)}`);
  await deleteRows(run, table, change);
  for (const part of parts(change.upserts.map((row) => pick(row, table.columns)))) {
    await run(upsertStatement(table, part), [...part.long.values(), part.json]);
  }
  await updateRows(run, table, change);
}

async function deleteRows(run: RunSql, { target, key }: CompiledTable, change: TableChange): Promise<void> {
  if (change.clear) return;
  for (const part of parts(change.deletes)) {
    await run(
      `DELETE FROM ${quote(target)}
       WHERE (${key.map(quote).join(', ')}) IN (SELECT ${fields(key.length, part)} FROM json_each(?))`,
      [...part.long.values(), part.json],
    );
  }
}

function upsertStatement({ target, columns, key }: CompiledTable, part: Part): string {
  const others = columns.filter((column) => !key.includes(column)).map(quote);
  const action =
    others.length === 0
      ? 'NOTHING'
      : `UPDATE SET ${others.map((column) => `${column} = excluded.${column}`).join(', ')}`;
  return `INSERT INTO ${quote(target)} (${columns.map(quote).join(', ')})
    SELECT ${fields(columns.length, part)} FROM json_each(?) WHERE true
    ON CONFLICT (${key.map(quote).join(', ')}) DO ${action}`;
}

async function updateRows(run: RunSql, table: CompiledTable, { updates }: TableChange): Promise<void> {
  const bySet = Map.groupBy(updates, (row) => table.columns.filter((column) => column in row).join('\0'));
  for (const rows of bySet.values()) {
    const present = table.columns.filter((column) => rows[0] && column in rows[0]);
    const columns = [...table.key, ...present.filter((column) => !table.key.includes(column))];
    // A row of key columns alone still has to be there: set the first key column to itself.
    const set = columns.length > table.key.length ? columns.slice(table.key.length) : columns.slice(0, 1);
    for (const part of parts(
      rows.map((row) => pick(row, columns)),
      table.key.length,
    )) {
      const field = (column: string): string => fieldOf(columns.indexOf(column), part, 'changed.value');
      const sql = `UPDATE ${quote(table.target)} AS target
       SET ${set.map((column) => `${quote(column)} = ${field(column)}`).join(', ')}
       FROM json_each(?) AS changed
       WHERE ${table.key.map((column) => `target.${quote(column)} = ${field(column)}`).join(' AND ')}
       RETURNING 1`;
      const updated = await run(sql, [...part.long.values(), part.json]);
      if (updated.length < part.rows) throw missingRow(table);
    }
  }
}

/** Rows that one statement carries. */
interface Part {
  readonly json: string;
  readonly rows: number;
  /** Long texts of its only row by their places: parameters of their own, null in the JSON. */
  readonly long: ReadonlyMap<number, string>;
}

/** From so many characters on a text is long: as JSON it would be in memory ten times, and be parsed for each column. */
const LONG_TEXT = 256 * 1024;

function fields(count: number, part: Part): string {
  return Array.from({ length: count }, (_, i) => fieldOf(i, part, 'value')).join(', ');
}

function fieldOf(place: number, { long }: Part, row: string): string {
  return long.has(place) ? '?' : `${row} ->> ${place}`;
}

function pick(row: Readonly<Record<string, FieldValue>>, columns: readonly string[]): FieldValue[] {
  return columns.map((column) => row[column] ?? null);
}

/**
 * Rows as JSON, in parts that one statement each can carry, in their order. One with a long text is a part of its own.
 *
 * @param keyLength So many columns at the front are never parameters of their own. Default 0.
 */
function* parts(rows: readonly (readonly FieldValue[])[], keyLength = 0): Generator<Part> {
  let start = 0;
  for (const [at, row] of rows.entries()) {
    const long = longTexts(row, keyLength);
    if (long.size === 0) continue;
    yield* shortParts(rows.slice(start, at));
    yield { json: `[${rowJson(row.map((value, i) => (long.has(i) ? null : value)))}]`, rows: 1, long };
    start = at + 1;
  }
  yield* shortParts(start === 0 ? rows : rows.slice(start));
}

function* shortParts(rows: readonly (readonly FieldValue[])[]): Generator<Part> {
  for (const part of chunkRows(rows.map(rowJson), (text) => text.length)) {
    yield { json: `[${part.join(',')}]`, rows: part.length, long: new Map() };
  }
}

function longTexts(row: readonly FieldValue[], keyLength: number): ReadonlyMap<number, string> {
  const long = new Map<number, string>();
  for (let i = keyLength; i < row.length; i += 1) {
    const value = row[i];
    if (typeof value === 'string' && value.length >= LONG_TEXT) long.set(i, value);
  }
  return long;
}

function rowJson(row: readonly FieldValue[]): string {
  return `[${row.map(jsonText).join(',')}]`;
}

function jsonText(value: FieldValue): string {
  if (typeof value === 'bigint') return value.toString();
  return JSON.stringify(typeof value === 'object' && value !== null ? stringifyExactJson(value) : value);
}

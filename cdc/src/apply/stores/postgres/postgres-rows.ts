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

/** Rows that one statement carries. */
interface Part {
  readonly rows: readonly TextRow[];
  /** Long texts of its only row by their places: parameters of their own, null in the arrays. */
  readonly long: ReadonlyMap<number, string>;
}

/** From so many characters on a text is long: in an array it would be in memory three times more, with its quotes escaped. */
const LONG_TEXT = 256 * 1024;

/**
 * Writes a table's reduced change: one statement each for clearing, deletes, upserts, and updates of each set of
 * columns, in parts of bounded size. Values go in as one array of texts a column, which keeps every value exact and the
 * statement the same however many rows it carries. Long texts are parameters of their own.
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
  for (const part of parts(keys, types, types.length)) {
    await run(
      `DELETE FROM ${quote(table.target)} AS target USING ${unnest(types)}
       WHERE ${table.key.map((name, i) => `target.${quote(name)} = ${given(types, i, part)}`).join(' AND ')}`,
      bindings(part, types.length),
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
  for (const part of parts(
    rows.map((row) => pick(row, table.columns)),
    types,
  )) {
    await run(
      `INSERT INTO ${quote(table.target)} (${table.columns.map(quote).join(', ')})
       OVERRIDING SYSTEM VALUE
       SELECT ${types.map((_, i) => given(types, i, part)).join(', ')} FROM ${unnest(types)}
       ON CONFLICT (${table.key.map(quote).join(', ')}) DO ${action}`,
      bindings(part, types.length),
    );
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
    for (const part of parts(
      ofSet.map((row) => pick(row, names)),
      types,
      table.key.length,
    )) {
      const field = (name: string): string => given(types, names.indexOf(name), part);
      const { rowCount } = await run(
        `UPDATE ${quote(table.target)} AS target
         SET ${set.map((name) => `${quote(name)} = ${field(name)}`).join(', ')}
         FROM ${unnest(types)}
         WHERE ${table.key.map((name) => `target.${quote(name)} = ${field(name)}`).join(' AND ')}`,
        bindings(part, types.length),
      );
      if (rowCount < part.rows.length) throw missingRow(table);
    }
  }
}

function pick(row: Row, names: readonly string[]): FieldValue[] {
  return names.map((name) => row[name] ?? null);
}

/**
 * Rows in parts that one statement each can carry, in their order. One with a long text is a part of its own.
 *
 * @param keyLength So many columns at the front are never parameters of their own. Default 0.
 */
function* parts(
  rows: readonly (readonly FieldValue[])[],
  types: readonly PostgresColumn[],
  keyLength = 0,
): Generator<Part> {
  let short: TextRow[] = [];
  for (const row of rows) {
    const texts = types.map(({ type }, i) => postgresText(row[i] ?? null, type));
    const long = longTexts(texts, keyLength);
    if (long.size === 0) {
      short.push(texts);
      continue;
    }
    yield* shortParts(short);
    short = [];
    yield { rows: [texts.map((text, i) => (long.has(i) ? null : text))], long };
  }
  yield* shortParts(short);
}

function* shortParts(rows: readonly TextRow[]): Generator<Part> {
  const charsOf = (row: TextRow): number => row.reduce((sum, text) => sum + (text?.length ?? 0), 0);
  for (const part of chunkRows(rows, charsOf)) yield { rows: part, long: new Map() };
}

function longTexts(row: TextRow, keyLength: number): ReadonlyMap<number, string> {
  const long = new Map<number, string>();
  for (let i = keyLength; i < row.length; i += 1) {
    const text = row[i];
    if (typeof text === 'string' && text.length >= LONG_TEXT) long.set(i, text);
  }
  return long;
}

/** The long texts, which stand before the rows in every statement, and one array of texts a column. */
function bindings({ rows, long }: Part, width: number): string[] {
  const arrays = Array.from({ length: width }, (_, i) => arrayLiteral(rows.map((row) => row[i] ?? null)));
  return [...long.values(), ...arrays];
}

function unnest(types: readonly PostgresColumn[]): string {
  const places = types.map(() => '?::text[]').join(', ');
  return `unnest(${places}) AS given (${types.map((_, i) => `c${i}`).join(', ')})`;
}

function given(types: readonly PostgresColumn[], i: number, { long }: Part): string {
  return `${long.has(i) ? '?::text' : `given.c${i}`}::${types[i]?.cast ?? 'text'}`;
}

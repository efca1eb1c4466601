import { quoteName as quote } from '../source/table-name.ts';
import type { FieldValue } from '@banyan/contracts';
import { arrayDecoderOf, decoderOf } from '../source/field-values.ts';
import { canonicalRow, canonicalValue } from '../verify/canonical.ts';
import type { CompiledTable } from './mapping.ts';
import type { PostgresColumn, RunPostgres } from './postgres-columns.ts';
import { columnOf, type ColumnsByName } from './postgres-rows.ts';
import { postgresText } from './postgres-values.ts';
import type { CanonicalRow, KeyRange } from './range-reader.ts';

/** The first rows of a range of a target table. */
export async function readPostgresPage(options: {
  readonly run: RunPostgres;
  readonly table: CompiledTable;
  readonly columns: ColumnsByName;
  readonly range: KeyRange;
  readonly limit: number;
}): Promise<readonly CanonicalRow[]> {
  const { run, table, columns, range, limit } = options;
  const all = table.columns.map((name) => columnOf(table, columns, name));
  const keys = table.key.map((name) => columnOf(table, columns, name));
  const { sql, bindings } = pageQuery({ table, all, keys, range, limit });
  const { rows } = await run<Readonly<Record<string, string | null>>>(sql, bindings);
  return rows.map((row) => ({
    row: canonicalRow(all.map((column, i) => decoded(column, row[`c${i}`] ?? null))),
    key: keys.map((column, i) => canonicalValue(decoded(column, row[`k${i}`] ?? null)) ?? ''),
  }));
}

/** The value that an envelope would hold of this text, so that both sides come to the same canonical text. */
function decoded({ type, modifier }: PostgresColumn, text: string | null): FieldValue {
  if (text === null) return null;
  const decode = decoderOf(type.name, modifier);
  return type.isArray ? arrayDecoderOf(decode)(text) : decode(text);
}

function pageQuery(options: {
  readonly table: CompiledTable;
  readonly all: readonly PostgresColumn[];
  readonly keys: readonly PostgresColumn[];
  readonly range: KeyRange;
  readonly limit: number;
}): { sql: string; bindings: (string | null)[] } {
  const { table, all, keys, limit } = options;
  const { afterKey, toKey } = options.range;
  const texts = [
    ...all.map(({ name }, i) => `${printed(name)} AS c${i}`),
    ...keys.map(({ name }, i) => `${printed(name)} AS k${i}`),
  ];
  // By their bytes, as the source side walks them.
  const ordered = keys.map(({ name, isCollatable }) => quote(name) + (isCollatable ? ' COLLATE "C"' : ''));
  const places = keys.map(({ cast }) => `?::${cast}`).join(', ');
  const bounds = [
    ...(afterKey ? [`(${ordered.join(', ')}) > (${places})`] : []),
    ...(toKey ? [`(${ordered.join(', ')}) <= (${places})`] : []),
  ];
  const values = (key: readonly string[] | null): (string | null)[] =>
    key ? keys.map(({ type }, i) => postgresText(key[i] ?? null, type)) : [];
  return {
    sql: `SELECT ${texts.join(', ')} FROM ${quote(table.target)}
      ${bounds.length > 0 ? `WHERE ${bounds.join(' AND ')}` : ''}
      ORDER BY ${ordered.join(', ')} LIMIT ${limit}`,
    bindings: [...values(afterKey), ...values(toKey)],
  };
}

/** The text that the wire and the WAL have of a value. A cast has another one for booleans, char(n) and inet. */
function printed(name: string): string {
  return `CASE WHEN ${quote(name)} IS NOT NULL THEN concat(${quote(name)}) END`;
}

import type { FieldValue } from '@banyan/contracts';
import { arrayDecoderOf, decoderOf } from '../../../rows/field-values.ts';
import { isSortedByValue } from '../../../rows/key-order.ts';
import { canonicalRow, canonicalValue } from '../../../rows/canonical.ts';
import type { CompiledTable } from '../../../rows/mapping.ts';
import type { PostgresColumn, RunPostgres } from './postgres-columns.ts';
import type { CanonicalRow, KeyRange } from '../../http/range-reader.ts';
import { columnOf, type ColumnsByName } from './postgres-rows.ts';
import { postgresText } from './postgres-values.ts';
import { quoteName as quote } from '../../../rows/table-name.ts';

/** Reads the first rows of a range of a target table. */
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
  const { table, all, keys, range, limit } = options;
  const { afterKey: after, toKey: to } = range;
  const texts = [
    ...all.map(({ name }, i) => `${printed(name)} AS c${i}`),
    ...keys.map(({ name }, i) => `${printed(name)} AS k${i}`),
  ];
  // As the source is walked: by value, or by the bytes of the text.
  const ordered = keys.map(({ name, type, isCollatable }) => {
    if (isSortedByValue(type.name) && !type.isArray) return quote(name);
    return `${isCollatable ? quote(name) : `concat(${quote(name)})`} COLLATE "C"`;
  });
  const places = keys
    .map(({ cast, type, isCollatable }) =>
      isCollatable || isSortedByValue(type.name) ? `?::${cast}` : '?::text',
    )
    .join(', ');
  const bounds = [
    ...(after ? [`(${ordered.join(', ')}) > (${places})`] : []),
    ...(to ? [`(${ordered.join(', ')}) <= (${places})`] : []),
  ];
  const values = (key: readonly string[] | null): (string | null)[] =>
    key ? keys.map(({ type }, i) => postgresText(key[i] ?? null, type)) : [];
  return {
    sql: `SELECT ${texts.join(', ')} FROM ${quote(table.target)}
      ${bounds.length > 0 ? `WHERE ${bounds.join(' AND ')}` : ''}
      ORDER BY ${ordered.join(', ')} LIMIT ${limit}`,
    bindings: [...values(after), ...values(to)],
  };
}

/** The text that the wire and the WAL have of a value. A cast has another one for booleans, char(n) and inet. */
function printed(name: string): string {
  return `CASE WHEN ${quote(name)} IS NOT NULL THEN concat(${quote(name)}) END`;
}

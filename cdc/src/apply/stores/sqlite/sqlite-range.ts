import type { Knex } from 'knex';
import { canonicalRow } from '../../../rows/canonical.ts';
import type { CompiledTable } from '../../../rows/mapping.ts';
import { quoteName as quote } from '../../../rows/table-name.ts';
import type { CanonicalRow, KeyRange, RangeReader } from '../../http/range-reader.ts';

type PageRow = Readonly<Record<string, string | number | null>>;

/** Reads ranges of target tables in a SQLite file. */
export function createSqliteRangeReader(knex: Knex): RangeReader {
  return {
    async page(table, range, limit) {
      const { sql, bindings } = pageQuery(table, range, limit);
      return (await knex.raw<PageRow[]>(sql, bindings)).map((row) => toCanonical(row, table));
    },
    async text(table, range, limit) {
      const { sql, bindings } = textQuery(table, range, limit);
      const [found] = await knex.raw<{ rows: number; inexact: number | null; text: string | null }[]>(
        sql,
        bindings,
      );
      if (!found || (found.inexact ?? 0) > 0) return null;
      return { rows: found.rows, text: found.text ?? '' };
    },
  };
}

/** `FROM ... WHERE ... ORDER BY ... LIMIT ...` of a range. */
function rangeClauses(
  { target, key }: CompiledTable,
  { afterKey, toKey }: KeyRange,
  limit: number,
): { sql: string; bindings: string[] } {
  const keyList = key.map((column) => `target.${quote(column)}`).join(', ');
  const places = key.map(() => '?').join(', ');
  const bounds = [
    ...(afterKey ? [{ sql: `(${keyList}) > (${places})`, values: afterKey }] : []),
    ...(toKey ? [{ sql: `(${keyList}) <= (${places})`, values: toKey }] : []),
  ];
  return {
    sql: `FROM ${quote(target)} AS target
      ${bounds.length > 0 ? `WHERE ${bounds.map(({ sql }) => sql).join(' AND ')}` : ''}
      ORDER BY ${keyList} LIMIT ${limit}`,
    bindings: bounds.flatMap(({ values }) => values),
  };
}

function pageQuery(
  table: CompiledTable,
  range: KeyRange,
  limit: number,
): { sql: string; bindings: string[] } {
  // Integers as text, since the driver reads them as doubles. Reals as they are: JavaScript prints them exactly.
  const selected = [...table.columns, ...table.key].map((column, i) => {
    const name = `target.${quote(column)}`;
    return `iif(typeof(${name}) = 'real', ${name}, CAST(${name} AS TEXT)) AS c${i}`;
  });
  const { sql, bindings } = rangeClauses(table, range, limit);
  return { sql: `SELECT ${selected.join(', ')} ${sql}`, bindings };
}

/**
 * SQLite writes the canonical rows itself: its JSON of texts is JavaScript's, character by character. Only its text of
 * a real is not, so that rows with one are left to `page`.
 */
function textQuery(
  table: CompiledTable,
  range: KeyRange,
  limit: number,
): { sql: string; bindings: string[] } {
  const names = table.columns.map((column) => `target.${quote(column)}`);
  const texts = names.map((name) => `CAST(${name} AS TEXT)`).join(', ');
  const isInexact = names.map((name) => `typeof(${name}) IN ('real', 'blob')`).join(' OR ');
  const { sql, bindings } = rangeClauses(table, range, limit);
  return {
    sql: `SELECT count(*) AS rows, sum(inexact) AS inexact, group_concat(line, '') AS text FROM (
      SELECT json_array(${texts}) || char(10) AS line, (${isInexact}) AS inexact ${sql})`,
    bindings,
  };
}

function toCanonical(row: PageRow, { columns, key }: CompiledTable): CanonicalRow {
  return {
    row: canonicalRow(columns.map((_, i) => row[`c${i}`] ?? null)),
    key: key.map((_, i) => String(row[`c${columns.length + i}`])),
  };
}

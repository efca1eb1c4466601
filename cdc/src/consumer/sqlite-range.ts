import type { RangeReport, RangeRequest, RangeRows } from '@banyan/contracts';
import type { Knex } from 'knex';
import { canonicalRow, createRangeHash, rowHash } from '../verify/canonical.ts';
import type { CompiledTable } from './mapping.ts';
import { quoteName as quote } from '../source/catalog.ts';

const PAGE_ROWS = 1_000;

interface CanonicalRow {
  readonly key: string[];
  readonly row: string;
}

/** Counts and hashes a range of a target table, page by page. */
export async function readRange(
  knex: Knex,
  table: CompiledTable,
  request: RangeRequest,
): Promise<RangeReport> {
  const hash = createRangeHash();
  for await (const page of pages(knex, table, request)) for (const { row } of page) hash.add(row);
  return hash.report();
}

/** Key and hash of each row in a range of a target table. */
export async function readRows(knex: Knex, table: CompiledTable, request: RangeRequest): Promise<RangeRows> {
  const rows: RangeRows['rows'] = [];
  for await (const page of pages(knex, table, request)) {
    rows.push(...page.map(({ key, row }) => ({ key, hash: rowHash(row) })));
  }
  return { rows };
}

async function* pages(
  knex: Knex,
  table: CompiledTable,
  { afterKey, toKey }: RangeRequest,
): AsyncGenerator<readonly CanonicalRow[]> {
  let after: readonly string[] | null = afterKey;
  for (;;) {
    const { sql, bindings } = pageQuery(table, after, toKey);
    const rows = await knex.raw<Readonly<Record<string, string | number | null>>[]>(sql, bindings);
    const page = rows.map((row) => toCanonical(row, table));
    if (page.length > 0) yield page;
    const last = page.at(-1);
    if (!last || page.length < PAGE_ROWS) return;
    after = last.key;
  }
}

function pageQuery(
  { target, columns, key }: CompiledTable,
  afterKey: readonly string[] | null,
  toKey: readonly string[] | null,
): { sql: string; bindings: string[] } {
  const keyList = key.map((column) => `target.${quote(column)}`).join(', ');
  const places = key.map(() => '?').join(', ');
  const bounds = [
    ...(afterKey ? [{ sql: `(${keyList}) > (${places})`, values: afterKey }] : []),
    ...(toKey ? [{ sql: `(${keyList}) <= (${places})`, values: toKey }] : []),
  ];
  // Integers as text, since the driver reads them as doubles. Reals as they are: JavaScript prints them exactly.
  const selected = [...columns, ...key].map((column, i) => {
    const name = `target.${quote(column)}`;
    return `iif(typeof(${name}) = 'real', ${name}, CAST(${name} AS TEXT)) AS c${i}`;
  });
  return {
    sql: `SELECT ${selected.join(', ')} FROM ${quote(target)} AS target
      ${bounds.length > 0 ? `WHERE ${bounds.map(({ sql }) => sql).join(' AND ')}` : ''}
      ORDER BY ${keyList} LIMIT ${PAGE_ROWS}`,
    bindings: bounds.flatMap(({ values }) => values),
  };
}

function toCanonical(
  row: Readonly<Record<string, string | number | null>>,
  { columns, key }: CompiledTable,
): CanonicalRow {
  return {
    row: canonicalRow(columns.map((_, i) => row[`c${i}`] ?? null)),
    key: key.map((_, i) => String(row[`c${columns.length + i}`])),
  };
}

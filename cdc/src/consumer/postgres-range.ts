import type { FieldValue, RangeReport, RangeRequest, RangeRows } from '@banyan/contracts';
import { arrayDecoderOf, decoderOf } from '../source/field-values.ts';
import { canonicalRow, canonicalValue, createRangeHash, rowHash } from '../verify/canonical.ts';
import type { CompiledTable } from './mapping.ts';
import type { PostgresColumn, RunPostgres } from './postgres-columns.ts';
import { columnOf, type ColumnsByName } from './postgres-rows.ts';
import { postgresText } from './postgres-values.ts';
import { quoteName as quote } from '../source/catalog.ts';

const PAGE_ROWS = 1_000;

interface RangeOptions {
  readonly run: RunPostgres;
  readonly table: CompiledTable;
  readonly columns: ColumnsByName;
  readonly request: RangeRequest;
}

interface CanonicalRow {
  readonly key: string[];
  readonly row: string;
}

/** Counts and hashes a range of a target table, page by page. */
export async function readPostgresRange(options: RangeOptions): Promise<RangeReport> {
  const hash = createRangeHash();
  for await (const page of pages(options)) for (const { row } of page) hash.add(row);
  return hash.report();
}

/** Key and hash of each row in a range of a target table. */
export async function readPostgresRows(options: RangeOptions): Promise<RangeRows> {
  const rows: RangeRows['rows'] = [];
  for await (const page of pages(options)) {
    rows.push(...page.map(({ key, row }) => ({ key, hash: rowHash(row) })));
  }
  return { rows };
}

async function* pages(options: RangeOptions): AsyncGenerator<readonly CanonicalRow[]> {
  const { run, table, columns, request } = options;
  const all = table.columns.map((name) => columnOf(table, columns, name));
  const keys = table.key.map((name) => columnOf(table, columns, name));
  let after: readonly string[] | null = request.afterKey;
  for (;;) {
    const { sql, bindings } = pageQuery({ table, all, keys, after, to: request.toKey });
    const { rows } = await run<Readonly<Record<string, string | null>>>(sql, bindings);
    const page = rows.map((row) => ({
      row: canonicalRow(all.map((column, i) => decoded(column, row[`c${i}`] ?? null))),
      key: keys.map((column, i) => canonicalValue(decoded(column, row[`k${i}`] ?? null)) ?? ''),
    }));
    if (page.length > 0) yield page;
    const last = page.at(-1);
    if (!last || page.length < PAGE_ROWS) return;
    after = last.key;
  }
}

/** The value that an envelope would hold of this text, so that both sides come to the same canonical text. */
function decoded({ type, modifier }: PostgresColumn, text: string | null): FieldValue {
  if (text === null) return null;
  const decodeOne = decoderOf(type.name, modifier);
  return (type.isArray ? arrayDecoderOf(decodeOne) : decodeOne)(text);
}

function pageQuery(options: {
  readonly table: CompiledTable;
  readonly all: readonly PostgresColumn[];
  readonly keys: readonly PostgresColumn[];
  readonly after: readonly string[] | null;
  readonly to: readonly string[] | null;
}): { sql: string; bindings: (string | null)[] } {
  const { table, all, keys, after, to } = options;
  const texts = [
    ...all.map(({ name }, i) => `${printed(name)} AS c${i}`),
    ...keys.map(({ name }, i) => `${printed(name)} AS k${i}`),
  ];
  // By their bytes, as the source side walks them.
  const ordered = keys.map(({ name, isCollatable }) => quote(name) + (isCollatable ? ' COLLATE "C"' : ''));
  const places = keys.map(({ cast }) => `?::${cast}`).join(', ');
  const bounds = [
    ...(after ? [`(${ordered.join(', ')}) > (${places})`] : []),
    ...(to ? [`(${ordered.join(', ')}) <= (${places})`] : []),
  ];
  const values = (key: readonly string[] | null): (string | null)[] =>
    key ? keys.map(({ type }, i) => postgresText(key[i] ?? null, type)) : [];
  return {
    sql: `SELECT ${texts.join(', ')} FROM ${quote(table.target)}
      ${bounds.length > 0 ? `WHERE ${bounds.join(' AND ')}` : ''}
      ORDER BY ${ordered.join(', ')} LIMIT ${PAGE_ROWS}`,
    bindings: [...values(after), ...values(to)],
  };
}

/** The text that the wire and the WAL have of a value. A cast has another one for booleans, char(n) and inet. */
function printed(name: string): string {
  return `CASE WHEN ${quote(name)} IS NOT NULL THEN concat(${quote(name)}) END`;
}

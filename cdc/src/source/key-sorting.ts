import { quoteName, quoteTable } from './catalog.ts';
import type { AskDatabase } from './source-database.ts';

/** Types that PostgreSQL sorts as a service sorts the values that envelopes hold: numbers by value, uuid by its text. */
const sortedAlike: ReadonlySet<string> = new Set([
  ...['int2', 'int4', 'int8', 'oid', 'float4', 'float8', 'bool', 'uuid'],
  ...['date', 'time', 'timestamp', 'timestamptz'],
]);

/** Types whose values are other texts in an envelope, so that neither order of PostgreSQL's is the service's. */
const sortedOtherwise: ReadonlySet<string> = new Set([
  'bytea',
  'timetz',
  'bit',
  'varbit',
  'interval',
  'hstore',
  'array',
]);

/** How the rows of a table have to be asked for to come in the order of the service's keys. */
export interface KeySorting {
  /** SQL of each key column, in key order, to sort and to compare by. */
  readonly expressions: readonly string[];
  /** Key columns that are sorted by their bytes though PostgreSQL sorts them otherwise; needs an index to be fast. */
  readonly bytewise: readonly string[];
  /** False when a key's text in an envelope is not what PostgreSQL reads for it (date, time, timestamp). */
  readonly isKeyTextShared: boolean;
  /** True for the root of a partitioned table, which has no rows of its own. */
  readonly isPartitioned: boolean;
}

/** The source cannot be asked for a table's rows in the order of the service's keys. */
export class KeySortingError extends Error {
  readonly code = 'key-sorting-unsupported';
  override readonly name = 'KeySortingError';
}

/**
 * Looks up how a table's key has to be sorted.
 *
 * @throws KeySortingError when a key column's type allows no common order.
 */
export async function readKeySorting(
  table: string,
  key: readonly string[],
  ask: AskDatabase,
): Promise<KeySorting> {
  const rows = await ask(KEY_COLUMNS, [quoteTable(table), key]);
  const columns = key.map((name) => ({ name, row: rows.find((row) => row['name'] === name) }));
  const refused = columns.filter(({ row }) => sortedOtherwise.has(row?.['type'] ?? ''));
  if (refused.length > 0) {
    const list = refused.map(({ name, row }) => `${name} (${row?.['type'] ?? ''})`).join(', ');
    throw new KeySortingError(
      `${table}: rows cannot be compared side by side by key column ${list}: the service sorts its text otherwise. Give the table a key of whole numbers, text or uuid.`,
    );
  }
  const sorted = columns.map(({ name, row }) => {
    const type = row?.['type'] ?? '';
    const isAlike = sortedAlike.has(type) || (isText(type) && row?.['bytewise'] === 't');
    if (isAlike) return { name, expression: quoteName(name), isBytewise: false };
    // Text as it is, so that an index on (column COLLATE "C") serves. Others as they are printed: a cast has another
    // text for char(n) and inet.
    const text = isText(type) ? quoteName(name) : `concat(${quoteName(name)})`;
    return { name, expression: `(${text} COLLATE "C")`, isBytewise: true };
  });
  return {
    expressions: sorted.map(({ expression }) => expression),
    bytewise: sorted.flatMap(({ name, isBytewise }) => (isBytewise ? [name] : [])),
    isKeyTextShared: rows.every((row) => !['date', 'time', 'timestamp'].includes(row['type'] ?? '')),
    isPartitioned: rows[0]?.['relkind'] === 'p',
  };
}

function isText(type: string): boolean {
  return type === 'text' || type === 'varchar';
}

/** `bytewise`: the column's collation sorts by bytes (C, POSIX, and PostgreSQL's builtin ones). */
const KEY_COLUMNS = `
  WITH RECURSIVE base (name, type, coll, relkind) AS (
    SELECT a.attname, a.atttypid, a.attcollation, c.relkind
    FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_class c ON c.oid = a.attrelid
    WHERE a.attrelid = $1::text::regclass AND a.attname = ANY ($2::text[]) AND NOT a.attisdropped
    UNION ALL
    SELECT base.name, t.typbasetype, base.coll, base.relkind
    FROM base JOIN pg_catalog.pg_type t ON t.oid = base.type WHERE t.typtype = 'd'
  )
  SELECT base.name, base.relkind::text AS relkind,
    CASE WHEN t.typcategory = 'A' THEN 'array'
      WHEN t.typnamespace = 'pg_catalog'::regnamespace OR t.typname = 'hstore' THEN t.typname ELSE '' END AS type,
    CASE co.collprovider
      WHEN 'd' THEN db.datlocprovider = 'b' OR (db.datlocprovider = 'c' AND db.datcollate IN ('C', 'POSIX'))
      WHEN 'b' THEN true
      WHEN 'c' THEN co.collcollate IN ('C', 'POSIX')
      ELSE false
    END AS bytewise
  FROM base
  JOIN pg_catalog.pg_type t ON t.oid = base.type AND t.typtype <> 'd'
  LEFT JOIN pg_catalog.pg_collation co ON co.oid = base.coll
  JOIN pg_catalog.pg_database db ON db.datname = current_database()`;

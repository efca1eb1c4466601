import type { AskDatabase } from './source-database.ts';
import { isSortedByValue } from '../../rows/key-order.ts';
import { quoteName, quoteParts, type TableName } from '../../rows/table-name.ts';

/**
 * Types whose values an envelope holds as the text that PostgreSQL prints, so that the bytes of that text sort them at
 * both sides. All others (bytea, interval, arrays ...) are other texts there, which no order of PostgreSQL's follows.
 */
const sortedByText: ReadonlySet<string> = new Set([
  ...['text', 'varchar', 'bpchar', 'name', 'char', 'citext', 'enum'],
  ...['numeric', 'jsonb', 'inet', 'cidr', 'macaddr', 'macaddr8'],
]);

/** How the rows of a table have to be asked for to come in the order of the service's keys. */
export interface KeySorting {
  /** SQL of each key column, in key order, to sort and to compare by. */
  readonly expressions: readonly string[];
  /** Key columns that are sorted by their bytes though PostgreSQL sorts them otherwise; needs an index to be fast. */
  readonly bytewise: readonly string[];
  /** False when a key's text in an envelope is not what PostgreSQL reads for it (date, time, timestamp). */
  readonly isKeyTextShared: boolean;
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
  table: TableName,
  key: readonly string[],
  ask: AskDatabase,
): Promise<KeySorting> {
  const rows = await ask(KEY_COLUMNS, [quoteParts(table), key]);
  const columns = key.map((name) => ({ name, row: rows.find((row) => row['name'] === name) }));
  const refused = columns.filter(({ row }) => {
    const type = row?.['type'] ?? '';
    return !isSortedByValue(type) && !sortedByText.has(type);
  });
  if (refused.length > 0) {
    const list = refused.map(({ name, row }) => `${name} (${row?.['type'] ?? ''})`).join(', ');
    throw new KeySortingError(
      `${table.schema}.${table.table}: rows cannot be compared side by side by key column ${list}: the service sorts its text otherwise. Give the table a key of whole numbers, text or uuid.`,
    );
  }
  const sorted = columns.map(({ name, row }) => {
    const type = row?.['type'] ?? '';
    const isAlike = isSortedByValue(type) || (isText(type) && row?.['bytewise'] === 't');
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
  };
}

function isText(type: string): boolean {
  return type === 'text' || type === 'varchar';
}

/** `bytewise`: the column's collation sorts by bytes (C, POSIX, and PostgreSQL's builtin ones). */
const KEY_COLUMNS = `
  WITH RECURSIVE base (name, type, coll) AS (
    SELECT a.attname, a.atttypid, a.attcollation
    FROM pg_catalog.pg_attribute a
    WHERE a.attrelid = $1::text::regclass AND a.attname = ANY ($2::text[]) AND NOT a.attisdropped
    UNION ALL
    SELECT base.name, t.typbasetype, base.coll
    FROM base JOIN pg_catalog.pg_type t ON t.oid = base.type WHERE t.typtype = 'd'
  )
  SELECT base.name,
    CASE WHEN t.typtype = 'e' THEN 'enum'
      WHEN t.typnamespace = 'pg_catalog'::regnamespace OR t.typname = 'citext' THEN t.typname
      ELSE format_type(t.oid, NULL) END AS type,
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

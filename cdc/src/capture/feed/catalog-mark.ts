import { quoteTable } from '../../rows/table-name.ts';
import type { AskDatabase } from '../postgres/source-database.ts';

/** What decides that a column's name, type and values still mean what they meant. Texts are compared, and mean nothing else. */
export interface TableMark {
  /** Another one once the table was renamed or moved, also when it is back. */
  readonly identity: string;
  /** Another one once its rows were written anew: by a change of a type, but by VACUUM FULL or TRUNCATE as well. */
  readonly files: string;
  readonly columns: Readonly<Record<string, ColumnMark>>;
  /** Values of the columns' enumerations, `type.oid` to label and writer. */
  readonly labels: Readonly<Record<string, string>>;
}

export interface ColumnMark {
  /** Place and type: a column that took over another one's name has another place. */
  readonly what: string;
  /** Who last changed it. */
  readonly written: string;
}

/** Marks by `schema.table`; tables that are gone are left out. */
export type CatalogMark = Readonly<Record<string, TableMark>>;

/** Types of the columns, and what arrays, domains and ranges are made of. */
const LABELS = `
  WITH RECURSIVE used (oid) AS (
    SELECT a.atttypid FROM pg_catalog.pg_attribute a WHERE a.attrelid = to_regclass($1) AND a.attname = ANY ($2)
    UNION SELECT part.oid FROM used JOIN pg_catalog.pg_type t ON t.oid = used.oid
      LEFT JOIN pg_catalog.pg_range r ON r.rngtypid = t.oid,
      LATERAL unnest(ARRAY[t.typelem, t.typbasetype, r.rngsubtype]) AS part (oid) WHERE part.oid <> 0)
  SELECT e.enumtypid::regtype || '.' || e.oid AS id, e.xmin || ' ' || e.enumlabel AS mark
  FROM used JOIN pg_catalog.pg_enum e ON e.enumtypid = used.oid`;

const COLUMNS = `
  SELECT a.attname AS name, a.attnum || ' ' || a.atttypid AS what, a.xmin AS written, t.xmin AS identity,
    (SELECT md5(string_agg(pg_relation_filenode(f.oid)::text, ' ' ORDER BY f.oid)) FROM (
      SELECT c.oid UNION SELECT relid FROM pg_catalog.pg_partition_tree(c.oid)) f) AS files
  FROM pg_catalog.pg_class c JOIN pg_catalog.pg_type t ON t.oid = c.reltype
  LEFT JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attname = ANY ($2) AND a.attnum > 0 AND NOT a.attisdropped
  WHERE c.oid = to_regclass($1)`;

/** Reads the marks of some columns of each table. The catalogs keep who wrote them, so nothing is undone unseen. */
export async function readCatalogMark(
  wanted: Readonly<Record<string, readonly string[]>>,
  ask: AskDatabase,
): Promise<CatalogMark> {
  const marks: Record<string, TableMark> = {};
  for (const [table, columns] of Object.entries(wanted)) {
    const about = [quoteTable(table), columns];
    const rows = await ask(COLUMNS, about);
    const [first] = rows;
    if (!first) continue;
    const labels = await ask(LABELS, about);
    const present = rows.filter(({ name }) => name != null);
    marks[table] = {
      identity: first['identity'] ?? '',
      files: first['files'] ?? '',
      columns: Object.fromEntries(
        present.map(({ name, what, written }) => [name ?? '', { what: what ?? '', written: written ?? '' }]),
      ),
      labels: Object.fromEntries(labels.map(({ id, mark }) => [id ?? '', mark ?? ''])),
    };
  }
  return marks;
}

/**
 * What changed between two marks so that rows copied before may be wrong, for people; nothing for what only adds (another
 * column, another value of an enumeration) or changes no values (a default, NOT NULL, VACUUM FULL, TRUNCATE).
 */
export function catalogChanges(before: CatalogMark, now: CatalogMark): readonly string[] {
  return Object.entries(before).flatMap(([table, old]) => {
    const found = now[table];
    if (!found) return [`${table} is gone, or has another name`];
    return [
      ...(found.identity === old.identity ? [] : [`${table} was renamed or moved, and is back`]),
      ...columnChanges(table, old, found),
      ...labelChanges(old, found),
    ];
  });
}

function columnChanges(table: string, old: TableMark, found: TableMark): readonly string[] {
  return Object.entries(old.columns).flatMap(([name, column]) => {
    const now = found.columns[name];
    if (!now) return [`${table} has no column ${name} any more`];
    const [place, type] = column.what.split(' ');
    const [placeNow, typeNow] = now.what.split(' ');
    if (place !== placeNow) return [`${table}.${name} is another column than before`];
    if (type !== typeNow) return [`${table}.${name} has another type`];
    // One alone changes no value: SET DEFAULT writes the column, VACUUM FULL the files.
    const isRewritten = column.written !== now.written && old.files !== found.files;
    return isRewritten ? [`the values of ${table}.${name} may have been rewritten`] : [];
  });
}

function labelChanges(old: TableMark, found: TableMark): readonly string[] {
  return Object.entries(old.labels).flatMap(([id, mark]) => {
    const now = found.labels[id];
    if (now === mark) return [];
    const type = id.slice(0, id.lastIndexOf('.'));
    const label = (text: string): string => text.slice(text.indexOf(' ') + 1);
    return now === undefined
      ? [`the type ${type} has no value '${label(mark)}' any more`]
      : [`the value '${label(mark)}' of the type ${type} was renamed, and is '${label(now)}' now`];
  });
}

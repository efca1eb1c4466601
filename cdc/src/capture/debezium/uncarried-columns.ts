import type { SourceDatabase } from '../postgres/source-database.ts';

/** A column as far as it decides whether Debezium carries it. */
export interface ColumnForm {
  /** `format_type` without modifiers, of what a domain is over: `integer`, `text[]`. */
  readonly type: string;
  /** `pg_type.typtype` of that: b base, c composite, e enum, m multirange, r range. */
  readonly kind: string;
  /** The column's own type is a domain. */
  readonly isDomain: boolean;
  /** Dimensions as declared; 0 where it is no array. */
  readonly dimensions: number;
}

/** Told exactly, also where the log leaves a long value out. Each was tried with Debezium 3.6.3. */
const carried = new Set([
  ...[
    'smallint',
    'integer',
    'bigint',
    'oid',
    'numeric',
    'real',
    'double precision',
    'money',
    'boolean',
    'bit',
  ],
  ...[
    'text',
    'character varying',
    'character',
    'citext',
    'bytea',
    'json',
    'jsonb',
    'xml',
    'tsvector',
    'ltree',
  ],
  ...['hstore', 'uuid', 'inet', 'cidr', 'macaddr', 'macaddr8', 'date', 'time without time zone', 'interval'],
  ...['timestamp without time zone', 'timestamp with time zone', 'point'],
  ...['text[]', 'character varying[]', 'character[]', 'integer[]', 'bigint[]', 'uuid[]', 'json[]', 'jsonb[]'],
  'bytea[]',
]);

/** Told, but a long value that a statement leaves as it is comes as NULL, which nobody can tell from a real one. */
const nullWhenUnchanged = new Set([
  ...['bit varying', 'smallint[]', 'real[]', 'double precision[]', 'boolean[]', 'numeric[]', 'oid[]'],
  ...['timestamp without time zone[]', 'timestamp with time zone[]', 'time with time zone[]'],
  ...['inet[]', 'cidr[]', 'macaddr[]'],
]);

/** Some values are told wrong, or end the connector. */
const wrongValues: Readonly<Record<string, string>> = {
  'time with time zone': 'a zone beyond +15:59 ends the connector for all tables',
  'time without time zone[]': '24:00 comes as 00:00',
  'date[]': 'dates before Christ come as other dates',
};

/** Why Debezium cannot carry a column of this form without a silent mistake; null when it can. */
export function whyUncarried({ type, kind, isDomain, dimensions }: ColumnForm): string | null {
  if (dimensions > 1) return 'arrays of several dimensions come as other arrays';
  if (isDomain && type.endsWith('[]')) return 'a long value that a statement leaves as it is comes as NULL';
  if (kind === 'e' || kind === 'r' || carried.has(type)) return null;
  const wrong = wrongValues[type];
  if (wrong !== undefined) return wrong;
  if (nullWhenUnchanged.has(type) || kind === 'array of e' || kind === 'array of r') {
    return 'a long value that a statement leaves as it is comes as NULL';
  }
  return 'Debezium leaves columns of this type out';
}

const formsSql = `
  WITH RECURSIVE named AS (
    SELECT n.nspname || '.' || c.relname AS name, a.attname AS attribute, a.atttypid AS type_id, a.attndims::int AS dimensions,
      false AS is_domain
    FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_class c ON c.oid = a.attrelid
    JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE a.attnum > 0 AND NOT a.attisdropped
      AND n.nspname || '.' || c.relname = ANY (ARRAY(SELECT jsonb_array_elements_text($1::jsonb)))
    UNION ALL
    SELECT named.name, named.attribute, t.typbasetype, greatest(named.dimensions, t.typndims), true
    FROM named JOIN pg_catalog.pg_type t ON t.oid = named.type_id WHERE t.typtype = 'd'
  )
  SELECT named.name, named.attribute, named.is_domain, named.dimensions,
    -- By format_type a type outside the search path has its schema before it, which says nothing of what it is.
    CASE WHEN t.typnamespace = 'pg_catalog'::regnamespace THEN format_type(t.oid, NULL) ELSE t.typname END AS type,
    CASE WHEN e.oid IS NULL THEN t.typtype::text ELSE 'array of ' || e.typtype::text END AS kind
  FROM named JOIN pg_catalog.pg_type t ON t.oid = named.type_id
  LEFT JOIN pg_catalog.pg_type e ON e.oid = t.typelem AND t.typcategory = 'A'
  WHERE t.typtype <> 'd'`;

/**
 * Of each table the columns that Debezium cannot carry, with why. Tables without any are left out.
 *
 * @param tables `schema.table`.
 */
export async function uncarriedColumns(
  database: SourceDatabase,
  tables: readonly string[],
  signal: AbortSignal,
): Promise<ReadonlyMap<string, Readonly<Record<string, string>>>> {
  const found = new Map<string, Record<string, string>>();
  for (const row of await database.query(formsSql, [JSON.stringify(tables)], signal)) {
    const form = {
      type: row['type'] ?? '',
      kind: row['kind'] ?? '',
      isDomain: row['is_domain'] === 't',
      dimensions: Number(row['dimensions']),
    };
    const why = whyUncarried(form);
    if (why === null) continue;
    const name = row['name'] ?? '';
    found.set(name, { ...found.get(name), [row['attribute'] ?? '']: why });
  }
  return found;
}

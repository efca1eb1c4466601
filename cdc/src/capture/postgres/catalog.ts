import type { FieldDecoder } from '../../rows/field-values.ts';
import type { AskDatabase, TextRow } from './source-database.ts';
import { quoteParts, splitTableName, type TableName } from '../../rows/table-name.ts';
import type { TypeCatalog } from './type-catalog.ts';

export { TypeCatalog } from './type-catalog.ts';

export interface CatalogColumn {
  readonly name: string;
  /** As `format_type` prints it, e.g. `character varying(120)`. */
  readonly type: string;
  readonly decode: FieldDecoder;
}

/** A table as the catalog describes it now. Generated columns are left out: the feed does not carry them. */
export interface CatalogTable {
  readonly schema: string;
  readonly table: string;
  readonly columns: readonly CatalogColumn[];
  /** Primary key columns in key order; empty without one. */
  readonly key: readonly string[];
  /** What the WAL says of an old row: d(efault: the key), f(ull), i(ndex) or n(othing). */
  readonly replicaIdentity: string;
  /** The root of partitions: its rows are theirs. */
  readonly partitioned: boolean;
  /** Planner's estimate; null when the table was never analysed. */
  readonly estimatedRows: number | null;
}

/**
 * The FROM item of exactly a table's own rows. Those of a partitioned table are in its partitions; those of tables that
 * inherit from an ordinary one belong to them.
 */
export function fromTable(table: TableName & { readonly partitioned: boolean }): string {
  return `${table.partitioned ? '' : 'ONLY '}${quoteParts(table)}`;
}

/** Key columns of the relation `c`, as JSON in key order; null without a primary key. */
export const KEY_COLUMNS = `(
  SELECT json_agg(a.attname ORDER BY place) FROM pg_catalog.pg_index i,
    unnest(i.indkey::int2[]) WITH ORDINALITY AS k (attnum, place), pg_catalog.pg_attribute a
  WHERE i.indrelid = c.oid AND i.indisprimary AND place <= i.indnkeyatts
    AND a.attrelid = c.oid AND a.attnum = k.attnum)`;

/** Reads the JSON of `KEY_COLUMNS`. */
export function parseNames(json: string | null | undefined): readonly string[] {
  return json == null ? [] : (JSON.parse(json) as readonly string[]);
}

/** Reads a table's description; null when there is no such table. */
export async function readTable(
  name: string,
  types: TypeCatalog,
  ask: AskDatabase,
): Promise<CatalogTable | null> {
  const { schema, table } = splitTableName(name);
  const rows = await ask(
    `SELECT a.attname AS name, a.atttypid AS oid, a.atttypmod AS modifier,
       format_type(a.atttypid, a.atttypmod) AS type, c.relreplident AS identity, c.relkind AS kind,
       ${KEY_COLUMNS} AS key, CASE WHEN c.relkind = 'p' THEN (
         SELECT sum(p.reltuples)::int8 FROM pg_catalog.pg_partition_tree(c.oid) t
         JOIN pg_catalog.pg_class p ON p.oid = t.relid WHERE t.isleaf AND p.reltuples >= 0)
       WHEN c.reltuples >= 0 THEN c.reltuples::int8 END AS estimate
     FROM pg_catalog.pg_class c
     JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
       AND a.attgenerated = ''
     WHERE c.relnamespace = (SELECT oid FROM pg_catalog.pg_namespace WHERE nspname = $1)
       AND c.relname = $2 AND c.relkind IN ('r', 'p')
     ORDER BY a.attnum`,
    [schema, table],
  );
  const first = rows[0];
  if (!first) return null;
  await types.load(
    rows.map((row) => Number(row['oid'])),
    ask,
  );
  return {
    schema,
    table,
    columns: rows.map((row) => toColumn(row, types)),
    key: parseNames(first['key']),
    replicaIdentity: first['identity'] ?? 'd',
    partitioned: first['kind'] === 'p',
    estimatedRows: first['estimate'] == null ? null : Number(first['estimate']),
  };
}

function toColumn(row: TextRow, types: TypeCatalog): CatalogColumn {
  return {
    name: row['name'] ?? '',
    type: row['type'] ?? '',
    decode: types.decoder({ oid: Number(row['oid']), modifier: Number(row['modifier']) }),
  };
}

/** What the catalog of now says of a table that the stream has named by its OID; null when it is gone. */
export async function readRelationNow(
  oid: number,
  ask: AskDatabase,
): Promise<{ readonly key: readonly string[]; readonly partitioned: boolean } | null> {
  const [row] = await ask(
    `SELECT ${KEY_COLUMNS} AS key, c.relkind AS kind FROM pg_catalog.pg_class c WHERE c.oid = $1`,
    [oid],
  );
  return row ? { key: parseNames(row['key']), partitioned: row['kind'] === 'p' } : null;
}

/** Decodes the named columns of a row of texts. */
export function decodeRow(
  columns: readonly Pick<CatalogColumn, 'name' | 'decode'>[],
  texts: Readonly<Record<string, string | null>>,
): Record<string, ReturnType<FieldDecoder>> {
  const row: Record<string, ReturnType<FieldDecoder>> = {};
  for (const { name, decode } of columns) {
    const text = texts[name];
    row[name] = text == null ? null : decode(text);
  }
  return row;
}

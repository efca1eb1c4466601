import type { AskDatabase } from './source-database.ts';
import { decoderOf, type FieldDecoder } from './field-values.ts';

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
  /** Planner's estimate; null when the table was never analysed. */
  readonly estimatedRows: number | null;
}

/** Splits `schema.table`. @throws RangeError when the name has another form. */
export function splitTableName(name: string): { schema: string; table: string } {
  const [schema, table, ...rest] = name.split('.');
  if (!schema || !table || rest.length > 0) {
    throw new RangeError(`A table is named schema.table, got ${JSON.stringify(name)}.`);
  }
  return { schema, table };
}

/** An SQL identifier, quoted. */
export function quoteName(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/** `"schema"."table"` of `schema.table`. */
export function quoteTable(name: string): string {
  const { schema, table } = splitTableName(name);
  return `${quoteName(schema)}.${quoteName(table)}`;
}

interface ResolvedType {
  readonly oid: number;
  readonly name: string;
  readonly elementOid: number | null;
}

/** Decoders by type OID. Domains count as what they are based on, in arrays too. Remembers what it has seen. */
export class TypeCatalog {
  readonly #decoders = new Map<number, FieldDecoder>();

  /** Looks up the types that it does not know yet. */
  async load(oids: readonly number[], ask: AskDatabase): Promise<void> {
    const unknown = [...new Set(oids)].filter((oid) => !this.#decoders.has(oid));
    if (unknown.length === 0) return;
    const types = await resolveTypes(unknown, ask);
    const elements = await resolveTypes(
      types.flatMap(({ elementOid }) => elementOid ?? []),
      ask,
    );
    const elementNames = new Map(elements.map(({ oid, name }) => [oid, name]));
    for (const { oid, name, elementOid } of types) {
      const full = elementOid === null ? name : `_${elementNames.get(elementOid) ?? 'text'}`;
      this.#decoders.set(oid, decoderOf(full));
    }
  }

  /** The text itself for a type that is gone. */
  decoder(oid: number): FieldDecoder {
    return this.#decoders.get(oid) ?? decoderOf('text');
  }
}

async function resolveTypes(oids: readonly number[], ask: AskDatabase): Promise<readonly ResolvedType[]> {
  if (oids.length === 0) return [];
  const rows = await ask(
    `WITH RECURSIVE base (oid, base) AS (
       SELECT oid, oid FROM unnest($1::oid[]) AS oid
       UNION ALL
       SELECT base.oid, t.typbasetype FROM base JOIN pg_catalog.pg_type t ON t.oid = base.base
       WHERE t.typtype = 'd'
     )
     SELECT base.oid,
       CASE WHEN t.typnamespace = 'pg_catalog'::regnamespace THEN t.typname ELSE 'text' END AS name,
       CASE WHEN t.typoutput = 'pg_catalog.array_out'::regproc THEN t.typelem END AS element
     FROM base JOIN pg_catalog.pg_type t ON t.oid = base.base WHERE t.typtype <> 'd'`,
    [oids],
  );
  return rows.map((row) => ({
    oid: Number(row['oid']),
    name: row['name'] ?? 'text',
    elementOid: row['element'] == null ? null : Number(row['element']),
  }));
}

/** Reads a table's description; null when there is no such table. */
export async function readTable(
  name: string,
  types: TypeCatalog,
  ask: AskDatabase,
): Promise<CatalogTable | null> {
  const { schema, table } = splitTableName(name);
  const rows = await ask(
    `SELECT a.attname AS name, a.atttypid AS oid, format_type(a.atttypid, a.atttypmod) AS type,
       k.place, c.relreplident AS identity, CASE WHEN c.reltuples >= 0 THEN c.reltuples::int8 END AS estimate
     FROM pg_catalog.pg_class c
     JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
       AND a.attgenerated = ''
     LEFT JOIN LATERAL (
       SELECT place FROM pg_catalog.pg_index i, unnest(i.indkey::int2[]) WITH ORDINALITY AS key (attnum, place)
       WHERE i.indrelid = c.oid AND i.indisprimary AND key.attnum = a.attnum AND place <= i.indnkeyatts
     ) k ON true
     WHERE c.relnamespace = (SELECT oid FROM pg_catalog.pg_namespace WHERE nspname = $1)
       AND c.relname = $2 AND c.relkind = 'r'
     ORDER BY a.attnum`,
    [schema, table],
  );
  const first = rows[0];
  if (!first) return null;
  await types.load(
    rows.map((row) => Number(row['oid'])),
    ask,
  );
  const key = rows
    .filter((row) => row['place'] != null)
    .sort((a, b) => Number(a['place']) - Number(b['place']))
    .map((row) => row['name'] ?? '');
  return {
    schema,
    table,
    columns: rows.map((row) => ({
      name: row['name'] ?? '',
      type: row['type'] ?? '',
      decode: types.decoder(Number(row['oid'])),
    })),
    key,
    replicaIdentity: first['identity'] ?? 'd',
    estimatedRows: first['estimate'] == null ? null : Number(first['estimate']),
  };
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

import type { StoreTable } from '@banyan/contracts';
import type { PostgresType } from './postgres-values.ts';
import { quoteName as quote } from '../../../rows/table-name.ts';

/** Runs one statement and returns its rows; places of values are `?`. */
export type RunPostgres = <R = Record<string, string | null>>(
  sql: string,
  bindings?: readonly (string | number | null)[],
) => Promise<PostgresResult<R>>;

export interface PostgresResult<R> {
  readonly rows: readonly R[];
  /** Rows returned or changed. */
  readonly rowCount: number;
}

/** A column of a target table. */
export interface PostgresColumn {
  readonly name: string;
  readonly type: PostgresType;
  /** `atttypmod` of the type under any domain, e.g. the digits of a timestamptz; -1 for none. */
  readonly modifier: number;
  /** The type to read a text as, e.g. `"pg_catalog"."bpchar"`: without a length, so that nothing is cut off silently. */
  readonly cast: string;
  /** False for types that do not sort by a collation. */
  readonly isCollatable: boolean;
  /** As `format_type` prints it. */
  readonly fullType: string;
  readonly nullable: boolean;
  readonly hasDefault: boolean;
  readonly generated: boolean;
}

interface ColumnRow {
  readonly name: string;
  readonly full_type: string;
  readonly type_schema: string;
  readonly type_name: string;
  readonly element_name: string | null;
  readonly modifier: number;
  readonly collatable: boolean;
  readonly not_null: boolean;
  readonly has_default: boolean;
  readonly generated: boolean;
}

/** Columns of a table found by the search path, in their order; empty when there is no such table. */
export async function readPostgresColumns(
  run: RunPostgres,
  table: string,
): Promise<readonly PostgresColumn[]> {
  const { rows } = await run<ColumnRow>(
    `WITH RECURSIVE base (attnum, oid, not_null, modifier) AS (
       SELECT attnum, atttypid, attnotnull, atttypmod FROM pg_catalog.pg_attribute
       WHERE attrelid = to_regclass(?) AND attnum > 0 AND NOT attisdropped
       UNION ALL
       SELECT base.attnum, t.typbasetype, base.not_null OR t.typnotnull, t.typtypmod FROM base
       JOIN pg_catalog.pg_type t ON t.oid = base.oid WHERE t.typtype = 'd'
     )
     SELECT a.attname AS name, format_type(a.atttypid, a.atttypmod) AS full_type,
       n.nspname AS type_schema, t.typname AS type_name, e.typname AS element_name,
       base.modifier, t.typcollation <> 0 AS collatable, base.not_null,
       a.atthasdef OR a.attidentity <> '' AS has_default, a.attgenerated <> '' AS generated
     FROM base
     JOIN pg_catalog.pg_type t ON t.oid = base.oid AND t.typtype <> 'd'
     JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace
     JOIN pg_catalog.pg_attribute a ON a.attrelid = to_regclass(?) AND a.attnum = base.attnum
     LEFT JOIN pg_catalog.pg_type e ON e.oid = t.typelem AND t.typcategory = 'A'
     ORDER BY a.attnum`,
    [quote(table), quote(table)],
  );
  return rows.map((row) => ({
    name: row.name,
    type: { name: row.element_name ?? row.type_name, isArray: row.element_name !== null },
    modifier: row.modifier,
    cast: `${quote(row.type_schema)}.${quote(row.type_name)}`,
    isCollatable: row.collatable,
    fullType: row.full_type,
    nullable: !row.not_null,
    hasDefault: row.has_default,
    generated: row.generated,
  }));
}

/** A table as the check of mappings needs it; null when there is none. */
export async function describePostgresTable(run: RunPostgres, table: string): Promise<StoreTable | null> {
  const columns = await readPostgresColumns(run, table);
  if (columns.length === 0) return null;
  const keys = await run<{ columns: string }>(
    `SELECT (SELECT json_agg(a.attname ORDER BY k.place)
       FROM unnest(i.indkey::int2[]) WITH ORDINALITY AS k (attnum, place)
       JOIN pg_catalog.pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.attnum
       WHERE k.place <= i.indnkeyatts)::text AS columns
     FROM pg_catalog.pg_index i
     WHERE i.indrelid = to_regclass(?) AND i.indisunique AND i.indisvalid AND i.indimmediate
       AND i.indpred IS NULL AND i.indexprs IS NULL`,
    [quote(table)],
  );
  const foreign = await run<{ columns: string; referenced: string; deferrable: boolean }>(
    `SELECT (SELECT json_agg(a.attname ORDER BY k.place)
       FROM unnest(c.conkey) WITH ORDINALITY AS k (attnum, place)
       JOIN pg_catalog.pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = k.attnum)::text AS columns,
       r.relname AS referenced, c.condeferrable AS deferrable
     FROM pg_catalog.pg_constraint c JOIN pg_catalog.pg_class r ON r.oid = c.confrelid
     WHERE c.conrelid = to_regclass(?) AND c.contype = 'f'`,
    [quote(table)],
  );
  return {
    name: table,
    columns: columns.map(({ name, fullType, nullable, hasDefault, generated }) => ({
      name,
      type: fullType,
      nullable,
      hasDefault,
      generated,
    })),
    uniqueKeys: keys.rows.map(({ columns: names }) => JSON.parse(names) as string[]),
    foreignKeys: foreign.rows.map(({ columns: names, referenced, deferrable }) => ({
      columns: JSON.parse(names) as string[],
      references: referenced,
      deferrable,
    })),
  };
}

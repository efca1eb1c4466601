import type { StoreTable } from '@banyan/contracts';
import type { RunSql } from '@banyan/kit/sqlite';

interface ColumnRow {
  readonly name: string;
  readonly type: string;
  readonly notnull: number;
  readonly dflt_value: string | null;
  readonly pk: number;
  /** 0 ordinary, 1 of a virtual table, 2 and 3 generated. */
  readonly hidden: number;
}

/** A table as the check of mappings needs it; null when there is none. */
export async function describeSqliteTable(run: RunSql, table: string): Promise<StoreTable | null> {
  const columns = await run<ColumnRow>('SELECT * FROM pragma_table_xinfo(?)', [table]);
  if (columns.length === 0) return null;
  const key = columns.filter(({ pk }) => pk > 0).sort((a, b) => a.pk - b.pk);
  const indexes = await run<{ name: string }>(
    `SELECT name FROM pragma_index_list(?) WHERE "unique" = 1 AND partial = 0`,
    [table],
  );
  const uniqueKeys = await Promise.all(
    indexes.map(async ({ name }) => {
      const parts = await run<{ name: string | null }>(
        'SELECT name FROM pragma_index_info(?) ORDER BY seqno',
        [name],
      );
      return parts.map((part) => part.name ?? ''); // an expression has no name, and matches no column
    }),
  );
  const foreign = await run<{ id: number; from: string; table: string }>(
    'SELECT id, "from", "table" FROM pragma_foreign_key_list(?) ORDER BY id, seq',
    [table],
  );
  return {
    name: table,
    columns: columns.map((column) => ({
      name: column.name,
      type: column.type,
      // The key of a table is never null here, though SQLite itself would let it be.
      nullable: column.notnull === 0 && column.pk === 0,
      hasDefault: column.dflt_value !== null || isRowId(column, key),
      generated: column.hidden >= 2,
    })),
    uniqueKeys: [key.map(({ name }) => name), ...uniqueKeys].filter((names) => names.length > 0),
    foreignKeys: [...Map.groupBy(foreign, ({ id }) => id).values()].map((parts) => ({
      columns: parts.map(({ from }) => from),
      references: parts[0]?.table ?? '',
      deferrable: true, // every batch defers them
    })),
  };
}

function isRowId({ pk, type }: ColumnRow, key: readonly ColumnRow[]): boolean {
  return pk > 0 && key.length === 1 && type.toUpperCase() === 'INTEGER';
}

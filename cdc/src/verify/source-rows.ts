import type { CompiledTable } from '../consumer/mapping.ts';
import type { Source } from '../source/source.ts';
import { canonicalRow, canonicalValue } from './canonical.ts';

/** Keys as text in (afterKey, toKey]; null for no bound. */
export interface KeyRange {
  readonly afterKey: readonly string[] | null;
  readonly toKey: readonly string[] | null;
}

/** A source row, mapped. */
export interface CanonicalSourceRow {
  readonly key: readonly string[];
  /** See `canonicalRow`. */
  readonly row: string;
}

/**
 * Source rows of a range in key order, as the service should hold them.
 *
 * @throws MappingError when a row does not fit the mapping.
 */
export async function readSourceRows(options: {
  readonly source: Source;
  readonly table: CompiledTable;
  readonly range: KeyRange;
  readonly limit: number;
  readonly signal: AbortSignal;
}): Promise<CanonicalSourceRow[]> {
  const { source, table, range, limit, signal } = options;
  const rows = await source.readRows(
    { table: table.source, columns: table.sourceColumns, key: table.sourceKey, ...range, limit },
    signal,
  );
  return rows.map((row) => {
    const mapped = table.forward(row);
    return {
      key: table.forwardKey(row).map((value) => canonicalValue(value) ?? ''),
      row: canonicalRow(table.columns.map((column) => mapped[column] ?? null)),
    };
  });
}

import type { CompiledTable, Key } from '../consumer/mapping.ts';
import type { Source } from '../source/source.ts';
import { canonicalRow, canonicalValue } from './canonical.ts';
import { compareKeys } from './key-order.ts';

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

/** A table whose rows cannot be walked side by side. */
export class VerifyUnsupportedError extends Error {
  readonly code = 'verify-unsupported';
  override readonly name = 'VerifyUnsupportedError';
}

/**
 * Source rows of a range in key order, as the service should hold them.
 *
 * @throws MappingError when a row does not fit the mapping; VerifyUnsupportedError when the source sorts its keys
 * otherwise than the service (a text key in a database whose collation is not "C").
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
  let previous: Key | null = null;
  return rows.map((row) => {
    const mapped = table.forward(row);
    const key = table.forwardKey(row);
    if (previous && compareKeys(previous, key) >= 0) {
      throw new VerifyUnsupportedError(`${table.source}: the source does not sort its keys by their bytes`);
    }
    previous = key;
    return {
      key: key.map((value) => canonicalValue(value) ?? ''),
      row: canonicalRow(table.columns.map((column) => mapped[column] ?? null)),
    };
  });
}

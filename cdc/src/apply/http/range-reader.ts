import type { CompiledTable } from '../../rows/mapping.ts';

/** Target keys as text in (afterKey, toKey]; null for no bound. */
export interface KeyRange {
  readonly afterKey: readonly string[] | null;
  readonly toKey: readonly string[] | null;
}

/** A row of a target table. */
export interface CanonicalRow {
  readonly key: readonly string[];
  /** See `canonicalRow`. */
  readonly row: string;
}

/**
 * What a store has to do for verification; everything else is shared. Rows come in key order: whole numbers by value,
 * text by its bytes.
 */
export interface RangeReader {
  /** The first rows of a range, at most `limit`. */
  page(table: CompiledTable, range: KeyRange, limit: number): Promise<readonly CanonicalRow[]>;
  /**
   * The same rows as one text, each followed by a line end, put together by the store: many times cheaper than rows.
   * Null when it cannot do that exactly for these rows. Leave it out where the store cannot at all.
   */
  text?(
    table: CompiledTable,
    range: KeyRange,
    limit: number,
  ): Promise<{ readonly rows: number; readonly text: string } | null>;
}

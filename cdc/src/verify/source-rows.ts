import type { CompiledTable, Key } from '../rows/mapping.ts';
import type { CanonicalRow } from '../apply/http/range-reader.ts';
import type { PostgresSource } from '../capture/feed/postgres-source.ts';
import { canonicalRow, canonicalValue } from '../rows/canonical.ts';
import { compareKeys } from '../rows/key-order.ts';

/** One place in the key order, as both sides write it. */
export interface Bound {
  /** Key values as PostgreSQL's text. */
  readonly source: readonly string[];
  /** Key values of the target as text. */
  readonly target: readonly string[];
}

/** Rows in (after, to]; null for no bound. */
export interface BoundedRange {
  readonly after: Bound | null;
  readonly to: Bound | null;
}

/** The first rows of a range at the source, as the service should hold them. */
export interface CanonicalPage {
  /** See `canonicalRow`. */
  readonly rows: readonly string[];
  boundAt(index: number): Bound;
  /** The target keys of the first and the last row; null without one. */
  readonly firstKey: Key | null;
  readonly lastKey: Key | null;
  /** See `SortedPage`. */
  versionAt(index: number): string;
  readonly isKeyTextShared: boolean;
  readonly bytewise: readonly string[];
}

/** A table whose rows cannot be walked side by side. */
export class VerifyUnsupportedError extends Error {
  readonly code = 'verify-unsupported';
  override readonly name = 'VerifyUnsupportedError';
}

export interface SourceQuestion {
  readonly source: Pick<PostgresSource, 'readPage'>;
  readonly table: CompiledTable;
  readonly range: BoundedRange;
  readonly limit: number;
  readonly withVersions?: boolean;
  /** Target key of the row before the range, which has to sort before all of it; null when it is not known. */
  readonly previousKey?: Key | null;
  readonly signal: AbortSignal;
}

/**
 * PostgresSource rows of a range in key order, mapped.
 *
 * @throws MappingError when a row does not fit the mapping; VerifyUnsupportedError when the source sorts its keys
 * otherwise than the service.
 */
export async function readCanonicalPage(question: SourceQuestion): Promise<CanonicalPage> {
  const { source, table, range, limit, withVersions = false, previousKey = null, signal } = question;
  const page = await source.readPage(
    {
      table: table.source,
      columns: table.sourceColumns,
      key: table.sourceKey,
      limit,
      withVersions,
      afterKey: range.after?.source ?? null,
      toKey: range.to?.source ?? null,
    },
    signal,
  );
  const { columns } = table;
  let previous = previousKey;
  const rows = page.rows.map((row) => {
    const mapped = table.forward(row);
    const key = table.forwardKey(row);
    if (previous && compareKeys(previous, key) >= 0) throw sortedOtherwise(table);
    previous = key;
    return canonicalRow(columns.map((column) => mapped[column] ?? null));
  });
  return {
    rows,
    boundAt(index) {
      const row = page.rows[index];
      if (!row) throw new RangeError(`There is no row ${index} in this page.`);
      return {
        source: page.keyAt(index),
        target: table.forwardKey(row).map((value) => canonicalValue(value) ?? ''),
      };
    },
    firstKey: page.rows[0] ? table.forwardKey(page.rows[0]) : null,
    lastKey: previous,
    versionAt: (index) => page.versionAt(index),
    isKeyTextShared: page.isKeyTextShared,
    bytewise: page.bytewise,
  };
}

/** Said when the two sides do not sort a table's rows alike. */
export function sortedOtherwise({ source, sourceKey }: CompiledTable): VerifyUnsupportedError {
  return new VerifyUnsupportedError(
    `${source}: the source and the service sort the key (${sourceKey.join(', ')}) differently, so that their rows cannot be compared range by range. Keys of whole numbers, uuid and text are sorted alike.`,
  );
}

/** Every row of a range, by key text. */
export async function readVersionedRows(
  question: Omit<SourceQuestion, 'limit' | 'withVersions'>,
): Promise<ReadonlyMap<string, VersionedRow>> {
  const all = new Map<string, VersionedRow>();
  let { range } = question;
  for (;;) {
    const page = await readCanonicalPage({ ...question, range, limit: PAGE_ROWS, withVersions: true });
    for (const [index, row] of page.rows.entries()) {
      const { source, target } = page.boundAt(index);
      all.set(keyText(target), { row, version: page.versionAt(index), sourceKey: source });
    }
    if (page.rows.length < PAGE_ROWS) return all;
    range = { after: page.boundAt(page.rows.length - 1), to: range.to };
  }
}

const PAGE_ROWS = 2_000;

/** A source row, with what tells whether it was written since. */
export interface VersionedRow {
  readonly row: string;
  readonly version: string;
  /** Key values as PostgreSQL's text. */
  readonly sourceKey: readonly string[];
}

/** A target key as one text, to look it up by. */
export function keyText(key: CanonicalRow['key']): string {
  return JSON.stringify(key);
}

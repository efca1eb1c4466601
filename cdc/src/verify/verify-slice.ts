import type { RangeReport, SliceDefinition } from '@banyan/contracts';
import type { CaughtUp } from '../caught-up/caught-up.ts';
import { compileMapping, type CompiledTable } from '../consumer/mapping.ts';
import type { Source } from '../source/source.ts';
import { createRangeHash } from './canonical.ts';
import type { ServiceCopy } from './copy.ts';
import { settleRange, type Difference, type KeyRange, type SettleOptions } from './settle-range.ts';
import { readSourceRows, VerifyUnsupportedError } from './source-rows.ts';

export { VerifyUnsupportedError } from './source-rows.ts';

const MAX_EXAMPLES = 10;

export interface VerifyOptions {
  readonly source: Source;
  readonly copy: ServiceCopy;
  readonly slice: SliceDefinition;
  readonly caughtUp: CaughtUp;
  /** Rows compared at once. Default 1,000. */
  readonly chunkRows?: number;
  readonly signal: AbortSignal;
  readonly onProgress?: (progress: VerifyProgress) => void;
}

export interface VerifyProgress {
  readonly table: string;
  /** Source rows of this table compared so far. */
  readonly rows: number;
  /** Over all tables so far. */
  readonly differences: number;
}

/** What a verification found. */
export interface VerifyResult {
  /** Rows seen, over all tables; while the source is written to, the two may differ without a difference. */
  readonly rowsSource: number;
  readonly rowsTarget: number;
  readonly differences: number;
  /** At most ten, as `public.reviews [17]: missing in the service`. Keys, no other values. */
  readonly examples: readonly string[];
}

/**
 * Compares every row of a slice's tables, mapped, with the service's copy, while both are written to. Walks each
 * source table in key order; the ranges cover the whole key space, so that rows which only the service has are found
 * wherever they are. A difference counts only if it is still there after the copy has passed a position taken when
 * it was seen.
 *
 * @throws VerifyUnsupportedError when the sides do not sort alike: a key column has a transform, or a text
 * key another collation than "C"; the errors of source,
 * copy and `caughtUp`.
 */
export async function verifySlice(options: VerifyOptions): Promise<VerifyResult> {
  const tables = options.slice.tables.map((mapping) => {
    const transformed = mapping.key.filter((column) => typeof mapping.columns[column] !== 'string');
    if (transformed.length > 0) {
      throw new VerifyUnsupportedError(
        `${mapping.source}: key column ${transformed.join(', ')} has a transform`,
      );
    }
    return compileMapping(mapping);
  });
  const total = { rowsSource: 0, rowsTarget: 0, differences: 0, examples: [] as string[] };
  for (const table of tables) {
    let rows = 0;
    for await (const chunk of compareChunks(table, options)) {
      rows += chunk.rowsSource;
      total.rowsSource += chunk.rowsSource;
      total.rowsTarget += chunk.rowsTarget;
      total.differences += chunk.differences.length;
      for (const difference of chunk.differences.slice(0, MAX_EXAMPLES - total.examples.length)) {
        total.examples.push(describe(table, difference));
      }
      options.onProgress?.({ table: table.source, rows, differences: total.differences });
    }
  }
  return total;
}

interface ChunkResult {
  readonly rowsSource: number;
  readonly rowsTarget: number;
  readonly differences: readonly Difference[];
}

async function* compareChunks(table: CompiledTable, options: VerifyOptions): AsyncGenerator<ChunkResult> {
  const { source, copy, slice, caughtUp, chunkRows = 1_000, signal } = options;
  const settle: SettleOptions = { source, copy, slice, caughtUp, signal };
  let afterKey: readonly string[] | null = null;
  for (;;) {
    const unbounded: KeyRange = { afterKey, toKey: null };
    const rows = await readSourceRows({ source, table, range: unbounded, limit: chunkRows, signal });
    const last = rows.at(-1);
    // The last range has no end: rows behind the source's last one belong to it.
    const isLast: boolean = !last || rows.length < chunkRows;
    const range: KeyRange = { afterKey, toKey: isLast ? null : (last?.key ?? null) };
    const hash = createRangeHash();
    for (const { row } of rows) hash.add(row);
    const ours = hash.report();
    const theirs = await copy.range(toRequest(table, range), signal);
    yield isSame(ours, theirs)
      ? { rowsSource: ours.rows, rowsTarget: theirs.rows, differences: [] }
      : await settleRange({ table, range, seen: rows, ...settle });
    if (isLast) return;
    afterKey = range.toKey;
  }
}

function isSame(ours: RangeReport, theirs: RangeReport): boolean {
  return ours.rows === theirs.rows && ours.hash === theirs.hash;
}

function toRequest(
  table: CompiledTable,
  { afterKey, toKey }: KeyRange,
): { table: string; afterKey: string[] | null; toKey: string[] | null } {
  return { table: table.target, afterKey: afterKey && [...afterKey], toKey: toKey && [...toKey] };
}

function describe(table: CompiledTable, { kind, key }: Difference): string {
  const what = {
    missing: 'missing in the service',
    extra: 'only in the service',
    different: 'different in the service',
    unsettled: 'changes so often that it could not be compared',
  };
  return `${table.source} [${key.join(', ')}]: ${what[kind]}`;
}

import type { SliceDefinition } from '@banyan/contracts';
import type { CaughtUp } from './caught-up.ts';
import { compileMapping, type CompiledTable } from '../rows/mapping.ts';
import type { RowReread } from './row-reread.ts';
import type { PostgresSource } from '../capture/feed/postgres-source.ts';
import type { ServiceCopy } from './service-client/copy.ts';
import type { Settled } from './judge.ts';
import { createPace, defaultPaceLimits, type PaceLimits } from './pace.ts';
import { createPatientCopy } from './service-client/patient-copy.ts';
import { repair, type Mended } from './repair.ts';
import { settleRanges, type SettleOptions } from './settle-ranges.ts';
import { VerifyUnsupportedError } from './source-rows.ts';
import {
  initialTableState,
  withPage,
  withSettled,
  type TableVerifyState,
  type VerifyState,
} from './verify-state.ts';
import { walkTable, type ComparedPage } from './walk-table.ts';

export interface VerifyOptions {
  readonly source: Pick<PostgresSource, 'readPage' | 'describeTables'>;
  readonly copy: ServiceCopy;
  readonly slice: SliceDefinition;
  readonly caughtUp: CaughtUp;
  /** What an interrupted verification of the same copy and mapping knew; it goes on from there. */
  readonly resume?: VerifyState | null;
  /** Mends what differs while it goes. Default: it only looks. */
  readonly reread?: Pick<RowReread, 'readAgain'> | null;
  readonly pace?: PaceLimits;
  /** Rows of the source read at once, 1 to 10,000. Default 10,000. */
  readonly pageRows?: number;
  /** Rows that have a hash of their own. Default 1,000. */
  readonly pieceRows?: number;
  /** How long the service may be away before it fails, milliseconds. Default 60,000. */
  readonly awayTimeoutMs?: number;
  readonly signal: AbortSignal;
  /** Called after each page that is settled, and awaited: who keeps the state can go on from it. */
  readonly onProgress?: (state: VerifyState) => Promise<void> | void;
}

/**
 * Compares every row of a slice's tables, mapped, with the service's copy, while both are written to. Walks each
 * source table in key order; the ranges cover the whole key space, so that rows which only the service has are found
 * wherever they are. A difference counts only if it is still there after the copy has passed a position taken when
 * it was seen.
 *
 * @throws VerifyUnsupportedError or KeySortingError when the sides cannot be walked in one order (a key column has a
 * transform, or a type that they sort differently); NotCaughtUpError when the copy does not come; the errors of source
 * and copy.
 */
export async function verifySlice(options: VerifyOptions): Promise<VerifyState> {
  const { slice, signal, source } = options;
  refuseTransformedKeys(slice);
  const copy = createPatientCopy(options.copy, options);
  const pace = createPace({ limits: options.pace ?? defaultPaceLimits, copy, signal });
  const tables = [...(options.resume?.tables ?? (await initialTables(slice, source, signal)))];
  for (const [index, mapping] of slice.tables.entries()) {
    const table = compileMapping(mapping);
    const run = { ...options, copy, pace, table };
    for (let state = tables[index]; state && state.step !== 'done'; state = tables[index]) {
      for await (const next of verifyTable(run, state)) {
        tables[index] = next;
        await options.onProgress?.({ tables: [...tables] });
      }
    }
  }
  return { tables };
}

/** @throws VerifyUnsupportedError naming every key column with a transform. */
export function refuseTransformedKeys(slice: SliceDefinition): void {
  const transformed = slice.tables.flatMap(({ source, key, columns }) =>
    key.filter((column) => typeof columns[column] !== 'string').map((column) => `${column} of ${source}`),
  );
  if (transformed.length === 0) return;
  throw new VerifyUnsupportedError(
    `The key column ${transformed.join(', ')} has a transform, so that source and service do not sort their rows alike, and cannot be compared range by range. Map keys by name alone.`,
  );
}

async function initialTables(
  slice: SliceDefinition,
  source: Pick<PostgresSource, 'describeTables'>,
  signal: AbortSignal,
): Promise<TableVerifyState[]> {
  const names = slice.tables.map((table) => table.source);
  const described = names.length > 0 ? await source.describeTables(names, signal) : [];
  return slice.tables.map((table) => {
    const estimated = described.find(({ name }) => name === table.source)?.estimatedRows ?? 0;
    // A table that was never analysed counts as empty, which says nothing.
    return initialTableState(table, estimated > 0 ? estimated : null);
  });
}

interface TableRun extends Omit<VerifyOptions, 'pace'> {
  readonly table: CompiledTable;
  readonly pace: (rows: number) => Promise<void>;
}

/** Yields the table's state after each page that is settled. */
async function* verifyTable(run: TableRun, from: TableVerifyState): AsyncGenerator<TableVerifyState> {
  const { source, copy, slice, caughtUp, table, signal, pageRows = 10_000, pieceRows = 1_000 } = run;
  const settle: SettleOptions = { source, copy, slice, caughtUp, table, signal };
  const pace = (): Promise<void> => run.pace(pageRows);
  let state = from;
  for await (const page of walkTable({ ...settle, after: from.after, pageRows, pieceRows, pace })) {
    for await (const found of settleRanges({ ...settle, someKey: page.someKey }, page.differing)) {
      const left = await mend(run, settle, page, found);
      state = withSettled(state, left.settled, {
        repaired: found.findings.length - left.settled.findings.length,
        note: left.problem,
      });
    }
    // Only now: what is kept must not claim a range that is not settled.
    state = withPage(state, page);
    yield state;
  }
}

async function mend(
  { reread = null }: TableRun,
  settle: SettleOptions,
  { isKeyTextShared }: ComparedPage,
  found: Settled,
): Promise<Mended> {
  if (!reread || found.findings.length === 0) return { settled: found, problem: null };
  return await repair({ ...settle, reread, isKeyTextShared }, found);
}

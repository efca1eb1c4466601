import type { Finding, FindingKind } from '../rows/finding.ts';
import type { Settled } from './judge.ts';
import type { Bound } from './source-rows.ts';
import type { ComparedPage } from './walk-table.ts';

const MAX_EXAMPLES = 10;

/** How far one table has come, and what was found in it so far. */
export interface TableVerifyState {
  /** `schema.table`. */
  readonly source: string;
  readonly target: string;
  readonly step: 'waiting' | 'running' | 'done';
  /** Everything up to here is settled; null before the first range, and at the end. */
  readonly after: Bound | null;
  /** Planner's estimate; null when unknown. */
  readonly rowsEstimated: number | null;
  /** Rows seen; while the source is written to, the two may differ without a difference. */
  readonly rowsSource: number;
  readonly rowsTarget: number;
  readonly missing: number;
  readonly extra: number;
  readonly different: number;
  /** Rows that changed in every look. */
  readonly unsettled: number;
  /** Rows that differed, were read again, and are equal now. They are in none of the other counts. */
  readonly repaired: number;
  /** Ranges whose hashes were compared, over all runs that this one goes on from. */
  readonly ranges: number;
  /** A few findings; the counts are complete. */
  readonly examples: readonly Finding[];
  /** What somebody may want to know of how it was read, e.g. that an index would help. */
  readonly notes: readonly string[];
}

/** Everything that a verification knows: kept between its ranges, it goes on from here. */
export interface VerifyState {
  readonly tables: readonly TableVerifyState[];
}

/** Rows that differ, of every kind. */
export function differencesOf(tables: readonly TableVerifyState[]): number {
  return tables.reduce((sum, each) => sum + each.missing + each.extra + each.different + each.unsettled, 0);
}

/** A table before its first range. */
export function initialTableState(
  { source, target }: { readonly source: string; readonly target: string },
  rowsEstimated: number | null,
): TableVerifyState {
  return {
    source,
    target,
    step: 'waiting',
    after: null,
    rowsEstimated,
    rowsSource: 0,
    rowsTarget: 0,
    missing: 0,
    extra: 0,
    different: 0,
    unsettled: 0,
    repaired: 0,
    ranges: 0,
    examples: [],
    notes: [],
  };
}

/** Adds what was found in ranges that differed. */
export function withSettled(
  state: TableVerifyState,
  settled: Settled,
  { repaired, note }: { readonly repaired: number; readonly note: string | null },
): TableVerifyState {
  const { findings } = settled;
  const of = (kind: FindingKind): number => findings.filter((finding) => finding.kind === kind).length;
  const shown = findings.slice(0, MAX_EXAMPLES - state.examples.length);
  return {
    ...state,
    rowsSource: state.rowsSource + settled.rowsSource,
    rowsTarget: state.rowsTarget + settled.rowsTarget,
    missing: state.missing + of('missing'),
    extra: state.extra + of('extra'),
    different: state.different + of('different'),
    unsettled: state.unsettled + of('unsettled'),
    repaired: state.repaired + Math.max(0, repaired),
    notes: withNote(state.notes, note),
    examples: [...state.examples, ...shown.map(({ kind, key, fields }) => ({ kind, key, fields }))],
  };
}

/** Adds what was equal in a page, and moves on behind it. */
export function withPage(state: TableVerifyState, page: ComparedPage): TableVerifyState {
  return {
    ...state,
    step: page.end ? 'running' : 'done',
    after: page.end,
    rowsSource: state.rowsSource + page.equalRows,
    rowsTarget: state.rowsTarget + page.equalRows,
    ranges: state.ranges + page.pieces,
    notes: withNote(
      state.notes,
      page.bytewise.length > 0 ? sortedByBytes(state.source, page.bytewise) : null,
    ),
  };
}

function withNote(notes: readonly string[], note: string | null): readonly string[] {
  return note === null || notes.includes(note) ? notes : [...notes, note];
}

function sortedByBytes(table: string, columns: readonly string[]): string {
  return `${table} was read in the order of the bytes of its key, since its database sorts ${columns.join(', ')} otherwise; with many rows this is slow without an index on (${columns.map((column) => `${column} COLLATE "C"`).join(', ')})`;
}

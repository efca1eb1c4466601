import { describeFinding, differencesOf, type TableVerifyState, type VerifyState } from '@banyan/cdc/verify';
import { formatDuration, type VerificationReport } from '@banyan/contracts';
import type { Verification } from '../slices/domain/slice-state.ts';
import type { StoredVerification } from './verification-store.ts';

const number = new Intl.NumberFormat('en-US', { maximumFractionDigits: 0 });

/** What the speed of a running verification is reckoned from. */
export interface Pacing {
  /** When this process began or went on, and how many rows were behind it then. */
  readonly sinceMs: number;
  readonly rowsBefore: number;
  readonly nowMs: number;
}

/** Rows of the source compared so far. */
export function rowsCompared(verification: StoredVerification): number {
  return sumOf(verification.progress?.tables ?? [], 'rowsSource');
}

/** @param pacing Null while it does not run. */
export function reportOf(verification: StoredVerification, pacing: Pacing | null): VerificationReport {
  const { state, by, reason, repair, startedAtMs, finishedAtMs, error, progress } = verification;
  const tables = progress?.tables ?? [];
  const rowsSource = rowsCompared(verification);
  const rowsEstimated = estimateOf(tables);
  const rowsPerSecond = pacing && speedOf(pacing, rowsSource);
  const isOpen = rowsPerSecond !== null && rowsPerSecond > 0 && rowsEstimated !== null;
  return {
    state: state === 'running' && pacing === null ? 'interrupted' : state,
    by,
    reason,
    repair,
    startedAtMs,
    finishedAtMs,
    error,
    rowsSource,
    rowsTarget: sumOf(tables, 'rowsTarget'),
    differences: differencesOf(tables),
    repaired: sumOf(tables, 'repaired'),
    rowsEstimated,
    rowsPerSecond,
    timeLeftMs: isOpen ? (Math.max(0, rowsEstimated - rowsSource) / rowsPerSecond) * 1_000 : null,
    tables: tables.map(tableReport),
  };
}

/** Without where it goes on from: that is nobody's concern. */
function tableReport(table: TableVerifyState): VerificationReport['tables'][number] {
  return {
    source: table.source,
    target: table.target,
    step: table.step,
    rowsEstimated: table.rowsEstimated,
    rowsSource: table.rowsSource,
    rowsTarget: table.rowsTarget,
    ranges: table.ranges,
    missing: table.missing,
    extra: table.extra,
    different: table.different,
    unsettled: table.unsettled,
    repaired: table.repaired,
    notes: [...table.notes],
    examples: table.examples.map(({ kind, key, fields }) => ({ kind, key: [...key], fields: [...fields] })),
  };
}

/** `verification: 120,000 of about 1,000,000 rows compared, 0 differences, 95,000 rows/s, 9 s left`. */
export function describeReport(report: VerificationReport): string {
  const { rowsSource, rowsEstimated, differences, rowsPerSecond, timeLeftMs, repaired } = report;
  const of = rowsEstimated === null ? '' : ` of about ${number.format(rowsEstimated)}`;
  const parts = [
    `${number.format(rowsSource)}${of} rows compared`,
    `${number.format(differences)} differences`,
    ...(report.repair ? [`${number.format(repaired)} repaired`] : []),
    ...(rowsPerSecond === null ? [] : [`${number.format(rowsPerSecond)} rows/s`]),
    ...(timeLeftMs === null ? [] : [`${formatDuration(timeLeftMs)} left`]),
  ];
  const interrupted = report.state === 'interrupted' ? 'interrupted, goes on from ' : '';
  return `verification: ${interrupted}${parts.join(', ')}`;
}

/** What the slice's state and its gate keep of a verification: names and keys, no values. */
export function summaryOf(progress: VerifyState | null, finishedAtMs: number): Verification {
  const tables = progress?.tables ?? [];
  const examples = tables.flatMap((table) =>
    table.examples.map((finding) => describeFinding(table.source, finding)),
  );
  return {
    finishedAtMs,
    rowsSource: sumOf(tables, 'rowsSource'),
    rowsTarget: sumOf(tables, 'rowsTarget'),
    differences: differencesOf(tables),
    examples: examples.slice(0, 10),
  };
}

/** Commands that make sense after a verification, most useful first. */
export function nextStepsAfterVerification(slice: string, report: VerificationReport | null): string[] {
  if (report === null) return [`banyan verify ${slice}`];
  switch (report.state) {
    case 'running':
    case 'interrupted':
      return ['banyan status --watch'];
    case 'failed':
      return ['banyan status', 'banyan doctor', `banyan verify ${slice}`];
    case 'finished':
      if (report.differences === 0) return ['banyan status', `banyan advance ${slice}`];
      return [
        `banyan verify ${slice} --repair --reason "..." --dry-run`,
        `banyan verify ${slice} --repair --reason "..."`,
        'banyan status',
      ];
  }
}

function sumOf(tables: readonly TableVerifyState[], of: 'rowsSource' | 'rowsTarget' | 'repaired'): number {
  return tables.reduce((sum, table) => sum + table[of], 0);
}

/** A table that is done has as many rows as were seen; null when one that is not was never estimated. */
function estimateOf(tables: readonly TableVerifyState[]): number | null {
  let all = tables.length > 0 ? 0 : null;
  for (const { step, rowsSource, rowsEstimated } of tables) {
    const rows = step === 'done' ? rowsSource : rowsEstimated && Math.max(rowsEstimated, rowsSource);
    all = all === null || rows === null ? null : all + rows;
  }
  return all;
}

function speedOf({ sinceMs, rowsBefore, nowMs }: Pacing, rows: number): number | null {
  return nowMs > sinceMs && rows > rowsBefore ? ((rows - rowsBefore) / (nowMs - sinceMs)) * 1_000 : null;
}

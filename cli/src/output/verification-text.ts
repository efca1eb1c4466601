import type { VerificationReport } from '@banyan/contracts';
import { progressBar } from './table-progress.ts';
import { asTyped, count, duration, style, table } from './terminal.ts';

type Table = VerificationReport['tables'][number];
type Finding = Table['examples'][number];

/** One line while it runs: rows of estimated, differences, rate, time left. */
export function verificationProgressText(report: VerificationReport): string {
  const { rowsSource, rowsEstimated, differences, repaired, rowsPerSecond, timeLeftMs } = report;
  const hasShare = rowsEstimated !== null && rowsEstimated > 0;
  return [
    hasShare
      ? `${progressBar(rowsSource / rowsEstimated, false)} ${count(rowsSource)} of about ${count(rowsEstimated)} rows`
      : `${count(rowsSource)} rows`,
    `${count(differences)} differences`,
    ...(report.repair ? [`${count(repaired)} repaired`] : []),
    ...(rowsPerSecond === null ? [] : [`${count(Math.round(rowsPerSecond))} rows/s`]),
    ...(timeLeftMs === null ? [] : [`${duration(timeLeftMs)} left`]),
    ...(report.state === 'interrupted'
      ? [`interrupted, is tried again: ${report.error ?? 'control restarted'}`]
      : []),
  ].join(' · ');
}

/** The whole report: per table both sides' rows and what differs, with examples. */
export function verificationText(slice: string, report: VerificationReport): string {
  const { differences, repaired, startedAtMs, finishedAtMs, rowsSource } = report;
  const verdict =
    differences === 0
      ? style('green', 'both sides are equal')
      : style('red', `${count(differences)} ${differences === 1 ? 'difference' : 'differences'}`);
  const tookMs = finishedAtMs === null ? null : Math.max(1, finishedAtMs - startedAtMs);
  const rate =
    tookMs === null
      ? ''
      : ` in ${duration(tookMs)}, ${count(Math.round((rowsSource / tookMs) * 1_000))} rows/s`;
  const repairs = report.repair ? `, ${count(repaired)} repaired` : '';
  const lines = [
    `${style('bold', slice)}: ${verdict}${repairs} (${count(rowsSource)} rows${rate})`,
    '',
    table(
      ['table', 'monolith', 'service', 'missing', 'extra', 'different', 'unsettled', 'repaired'],
      report.tables.map((each) => [
        `${each.source} -> ${each.target}`,
        ...[each.rowsSource, each.rowsTarget, each.missing, each.extra, each.different].map(count),
        ...[each.unsettled, each.repaired].map(count),
      ]),
    ),
    ...report.tables.flatMap(examplesText),
  ];
  return lines.join('\n');
}

function examplesText(found: Table): string[] {
  const { source, examples, missing, extra, different, unsettled, notes } = found;
  const all = missing + extra + different + unsettled;
  const heading = all > examples.length ? `${source}, ${examples.length} of ${count(all)}:` : `${source}:`;
  return [
    ...(examples.length > 0 ? ['', heading, ...examples.map(findingText)] : []),
    ...notes.map((note) => asTyped(`note: ${note}`)),
  ];
}

function findingText({ kind, key, fields }: Finding): string {
  const value = (text: string | null): string => (text === null ? 'null' : JSON.stringify(text));
  const parts = fields.map(({ column, wanted, got, isHidden }) =>
    isHidden ? `${column} (personal)` : `${column} wanted ${value(wanted)} got ${value(got)}`,
  );
  return `  ${kind.padEnd(9)} [${key.join(', ')}]${parts.length > 0 ? `  ${parts.join(', ')}` : ''}`;
}

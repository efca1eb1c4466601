import type { SliceStatus } from '@banyan/contracts';
import { count, duration, isTerminal } from './terminal.ts';

type TableStatus = SliceStatus['tables'][number];
type TableSnapshot = NonNullable<TableStatus['tableSnapshot']>;

const BAR_WIDTH = 20;

/**
 * `▕████████░░░░░░░░░░░░▏ 43 %` in a terminal, `43 %` elsewhere. Something that is not complete is at most at 99 %,
 * however little is missing.
 *
 * @param share 0 to 1.
 * @param isComplete Only then 100 %.
 */
export function progressBar(share: number, isComplete: boolean, isDrawn = isTerminal()): string {
  const percent = isComplete ? 100 : Math.min(99, Math.max(0, Math.floor(share * 100)));
  if (!isDrawn) return `${percent} %`;
  const full = Math.floor((percent / 100) * BAR_WIDTH);
  return `▕${'█'.repeat(full)}${'░'.repeat(BAR_WIDTH - full)}▏ ${percent} %`;
}

/** How far reading a table has come. What is unknown is said to be, and an estimate that was wrong as well. */
export function tableSnapshotText(snapshot: TableSnapshot, isDrawn = isTerminal()): string {
  const { state, rowsDone, rowsEstimated } = snapshot;
  if (state === 'completed') {
    const rows = rowsDone === null ? '' : `, ${count(rowsDone)} rows`;
    return `table snapshot complete${rows}`;
  }
  if (rowsDone === null) return `table snapshot ${state}`;
  if (state !== 'running') return `table snapshot ${state} after ${count(rowsDone)} rows`;
  const rate = snapshot.rowsPerSecond;
  const speed =
    rate === null ? 'rate unknown' : rate === 0 ? 'standing still' : `${count(Math.round(rate))} rows/s`;
  return `table snapshot ${rowsText(rowsDone, rowsEstimated, isDrawn)} · ${speed} · ${leftText(snapshot)}`;
}

function rowsText(rowsDone: number, rowsEstimated: number | null, isDrawn: boolean): string {
  if (rowsEstimated === null) return `${count(rowsDone)} rows, of how many is unknown`;
  if (rowsDone >= rowsEstimated) {
    return `${count(rowsDone)} rows, more than the estimate of ${count(rowsEstimated)}`;
  }
  const bar = progressBar(rowsDone / rowsEstimated, false, isDrawn);
  return `${bar}, ${count(rowsDone)} of about ${count(rowsEstimated)} rows`;
}

function leftText({ remainingMs }: TableSnapshot): string {
  return remainingMs === null ? 'time left unknown' : `about ${duration(remainingMs)} left`;
}

/** Two lines: how far reading the table has come, and how far the service has applied it. */
export function tableLines(table: TableStatus, isDrawn = isTerminal()): readonly [string, string] {
  const { source, target, tableSnapshot, nextOffset, endOffset, appliedRows, quarantined } = table;
  const snapshot =
    tableSnapshot === null ? 'no table snapshot asked for' : tableSnapshotText(tableSnapshot, isDrawn);
  const records = `applied ${count(nextOffset)} of ${count(endOffset)} records on the bus`;
  return [
    `${source} -> ${target}: ${snapshot}`,
    `  ${records}, ${count(appliedRows)} rows, quarantined ${count(quarantined)}`,
  ];
}

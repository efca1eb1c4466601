import type { SliceState } from '../domain/slice-state.ts';
import type { TableSnapshotProgress, TableSnapshots } from '../ports/feed.ts';
import type { ManagedSlice } from './managed-slice.ts';

const number = new Intl.NumberFormat('en-US');

/** How far this very table snapshot of a table has come; an older or another slice's one says nothing. */
export function progressOf(
  snapshots: TableSnapshots,
  table: string,
  snapshotId: string,
): TableSnapshotProgress | null {
  const progress = snapshots.progress(table);
  return progress?.id === snapshotId ? progress : null;
}

/** `table snapshot of public.reviews: 1,200 of 2,000 rows`; null in phases without a copy. */
export function describeCopyProgress(
  slice: ManagedSlice,
  state: SliceState,
  snapshots: TableSnapshots,
): string | null {
  if (state.phase === 'monolith') return null;
  const { copy } = state;
  switch (copy.step) {
    case 'starting':
      return 'adding the tables to the feed and asking for a table snapshot';
    case 'copying': {
      const open = slice.tables.filter(
        (table) => progressOf(snapshots, table, copy.snapshotId)?.state !== 'completed',
      );
      return open.length === 0
        ? 'table snapshot complete; waiting until the service has applied it'
        : open.map((table) => describeTable(snapshots, table, copy.snapshotId)).join('; ');
    }
    case 'complete':
      return null;
  }
}

function describeTable(snapshots: TableSnapshots, table: string, snapshotId: string): string {
  const progress = progressOf(snapshots, table, snapshotId);
  if (progress?.state === 'failed') return `table snapshot of ${table}: failed`;
  if (progress?.rowsDone == null) return `table snapshot of ${table}: asked for`;
  const total = progress.rowsEstimated === null ? '' : ` of about ${number.format(progress.rowsEstimated)}`;
  return `table snapshot of ${table}: ${number.format(progress.rowsDone)}${total} rows`;
}

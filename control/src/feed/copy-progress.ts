import { copyOf } from '../slices/domain/slice-state.ts';
import type { TableSnapshots } from './ports.ts';
import type { SliceWithState } from '../slices/managed-slice.ts';

const number = new Intl.NumberFormat('en-US');

/** Name of the first slice whose table snapshot is not over, whether whole, failed or stopped; null when there is none. */
export function sliceInSnapshot(all: readonly SliceWithState[], snapshots: TableSnapshots): string | null {
  const found = all.find(({ slice, state }) => {
    if (state.phase !== 'syncing' || state.copy.step !== 'copying') return false;
    const { snapshotId } = state.copy;
    return slice.tables.some((table) => {
      const reading = snapshots.progress(table, snapshotId)?.state ?? 'requested';
      return reading === 'requested' || reading === 'running';
    });
  });
  return found?.slice.name ?? null;
}

/** `table snapshot of public.reviews: 1,200 of 2,000 rows`; null in phases without a copy. */
export function describeCopyProgress(
  { slice, state }: SliceWithState,
  all: readonly SliceWithState[],
  snapshots: TableSnapshots,
): string | null {
  const copy = copyOf(state);
  if (copy === null) return null;
  switch (copy.step) {
    case 'starting': {
      const others = all.filter((each) => each.slice.name !== slice.name);
      const first = sliceInSnapshot(others, snapshots);
      return first === null
        ? 'adding the tables to the feed and asking for a table snapshot'
        : `waiting: the table snapshot of the slice ${first} comes first`;
    }
    case 'copying': {
      const open = slice.tables.filter(
        (table) => snapshots.progress(table, copy.snapshotId)?.state !== 'completed',
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
  const progress = snapshots.progress(table, snapshotId);
  if (progress?.state === 'failed') return `table snapshot of ${table}: failed`;
  if (progress?.rowsDone == null) return `table snapshot of ${table}: asked for`;
  const total = progress.rowsEstimated === null ? '' : ` of about ${number.format(progress.rowsEstimated)}`;
  return `table snapshot of ${table}: ${number.format(progress.rowsDone)}${total} rows`;
}

import type { StoredRecord } from '../../bus/bus.ts';
import { TableSnapshotHistory } from './table-snapshot-history.ts';
import { parseNotification, type TableSnapshotNotification } from './table-snapshot-notifications.ts';

/**
 * Offsets of notifications without which the topic says the same: which table snapshots are open and how far they are,
 * and the last ones of each table. What tells of something else is superfluous too.
 */
export function supersededNotifications(records: readonly StoredRecord[]): readonly number[] {
  const told = records.flatMap(({ offset, value }) => {
    const notification = parseNotification(value);
    return notification ? [{ offset, notification }] : [];
  });
  const history = new TableSnapshotHistory();
  for (const { notification } of told) history.apply(notification);
  const wanted = new Set([...history.open(), ...history.kept()].map(({ id }) => id));
  // Of the steps of a table snapshot through one table the last one counts.
  const lastSteps = new Map<string, number>();
  for (const { offset, notification } of told) lastSteps.set(stepOf(notification, offset), offset);
  const kept = new Set(
    told
      .filter(({ notification }) => wanted.has(notification.id))
      .filter(({ offset, notification }) => lastSteps.get(stepOf(notification, offset)) === offset)
      .map(({ offset }) => offset),
  );
  return records.map(({ offset }) => offset).filter((offset) => !kept.has(offset));
}

/** Steps of the same name replace each other; beginning and end replace nothing. */
function stepOf({ id, additional_data: data }: TableSnapshotNotification, offset: number): string {
  const table = data.current_collection_in_progress ?? data.scanned_collection;
  return JSON.stringify(table === undefined ? [offset] : [id, table]);
}

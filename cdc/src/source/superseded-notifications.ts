import type { StoredRecord } from '../bus/bus.ts';
import { TableSnapshotHistory } from './table-snapshot-history.ts';
import { parseNotification, type Notification } from './table-snapshot-notifications.ts';

/**
 * Offsets of notifications without which the topic says the same: which table snapshots and row re-reads are open and
 * how far they are, and the newest table snapshot of each table. What tells of something else, or of a row re-read that
 * has ended, is superfluous too.
 */
export function supersededNotifications(records: readonly StoredRecord[]): readonly number[] {
  const told = records.flatMap(({ offset, value }) => {
    const notification = parseNotification(value);
    return notification ? [{ offset, notification }] : [];
  });
  const history = new TableSnapshotHistory();
  for (const { notification } of told) history.apply(notification);
  const wanted = new Set([...history.open(), ...history.all()].map(({ id }) => id));
  // Of the steps of a table snapshot through one table, and of those of a row re-read, the last one counts.
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
function stepOf(notification: Notification, offset: number): string {
  const { id, type } = notification;
  if (notification.aggregate_type === 'Row Reread') {
    return JSON.stringify(type === 'IN_PROGRESS' ? [id, 'keys'] : [offset]);
  }
  const data = notification.additional_data;
  const table = data.current_collection_in_progress ?? data.scanned_collection;
  return JSON.stringify(table === undefined ? [offset] : [id, table]);
}

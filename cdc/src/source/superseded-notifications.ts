import type { StoredRecord } from '../bus/bus.ts';
import { parseNotification, type TableSnapshotNotification } from './table-snapshot-notifications.ts';

interface Told {
  readonly offset: number;
  readonly notification: TableSnapshotNotification;
}

/**
 * Offsets of notifications without which the topic says the same: which table snapshots are open and how far they
 * are, and the newest one of each table. What tells of something else is superfluous too.
 */
export function supersededNotifications(records: readonly StoredRecord[]): readonly number[] {
  const told = records.flatMap(({ offset, value }): Told[] => {
    const notification = parseNotification(value);
    return notification ? [{ offset, notification }] : [];
  });
  const byId = new Map<string, Told[]>();
  for (const one of told) {
    byId.set(one.notification.id, [...(byId.get(one.notification.id) ?? []), one]);
  }
  const newest = newestOfTables(told);
  const kept = new Set(Array.from(byId, ([id, ofId]) => keptOf(ofId, newest, id)).flat());
  return records.map(({ offset }) => offset).filter((offset) => !kept.has(offset));
}

/** Table to the id of the last table snapshot that was asked for it. */
function newestOfTables(told: readonly Told[]): ReadonlyMap<string, string> {
  const newest = new Map<string, string>();
  for (const { notification } of told) {
    for (const table of tablesOf(notification)) {
      // One whose beginning is gone already is older than any that has one.
      if (notification.type === 'STARTED' || !newest.has(table)) newest.set(table, notification.id);
    }
  }
  return newest;
}

function keptOf(ofId: readonly Told[], newest: ReadonlyMap<string, string>, id: string): readonly number[] {
  const isOpen = !ofId.some(({ notification }) => notification.type === 'COMPLETED');
  const isNewest = ofId.some(({ notification }) =>
    tablesOf(notification).some((table) => newest.get(table) === id),
  );
  if (!isOpen && !isNewest) return [];
  // Of the steps through one table the last one counts.
  const lastOf = new Map<string, number>();
  for (const { offset, notification } of ofId) {
    const table = tableOf(notification);
    if (table !== null) lastOf.set(table, offset);
  }
  return ofId
    .filter(({ offset, notification }) => {
      const table = tableOf(notification);
      return table === null || lastOf.get(table) === offset;
    })
    .map(({ offset }) => offset);
}

function tablesOf({ additional_data: data }: TableSnapshotNotification): readonly string[] {
  return data.data_collections.split(',').map((name) => name.trim());
}

/** The table that a step is about; null for the beginning and the end of a table snapshot. */
function tableOf({ additional_data: data }: TableSnapshotNotification): string | null {
  return data.current_collection_in_progress ?? data.scanned_collection ?? null;
}

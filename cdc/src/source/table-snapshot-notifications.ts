import { parseExactJson, stringifyExactJson } from '@banyan/contracts';
import { z } from 'zod';
import type { TableSnapshotProgress } from './source.ts';

/** Why a table could not be read, in the status of its TABLE_SCAN_COMPLETED; SUCCEEDED otherwise. */
export type TableScanStatus = 'SUCCEEDED' | 'UNKNOWN_SCHEMA' | 'NO_PRIMARY_KEY' | 'NOT_PUBLISHED';

const text = z.string();
const count = z.string().regex(/^\d+$/);

/** Debezium's notification of an incremental snapshot. All additional data are strings, as there. */
const notificationSchema = z.object({
  id: text,
  aggregate_type: z.literal('Incremental Snapshot'),
  type: z.enum(['STARTED', 'IN_PROGRESS', 'TABLE_SCAN_COMPLETED', 'COMPLETED', 'ABORTED']),
  additional_data: z.object({
    connector_name: text,
    /** Comma-separated. */
    data_collections: text,
    current_collection_in_progress: text.optional(),
    /** JSON array of key values as text. */
    last_processed_key: text.optional(),
    scanned_collection: text.optional(),
    total_rows_scanned: count.optional(),
    estimated_rows: count.optional(),
    status: z.enum(['SUCCEEDED', 'UNKNOWN_SCHEMA', 'NO_PRIMARY_KEY', 'NOT_PUBLISHED']).optional(),
  }),
  timestamp: z.number(),
});
export type TableSnapshotNotification = z.infer<typeof notificationSchema>;

/** Null for a record on the topic that tells of something else. */
export function parseNotification(value: string | null): TableSnapshotNotification | null {
  return value === null ? null : (notificationSchema.safeParse(parseExactJson(value)).data ?? null);
}

export function notificationText(notification: TableSnapshotNotification): string {
  return stringifyExactJson(notification);
}

/** How far the table in work has come. */
export interface TableScan {
  readonly lastKey: readonly string[] | null;
  readonly rowsDone: number;
  readonly rowsEstimated: number | null;
}

/** A table snapshot that was asked for and is not completed. */
export interface OpenTableSnapshot {
  readonly id: string;
  readonly tables: readonly string[];
  /** Index of the table in work. */
  readonly tableIndex: number;
  /** Null before the table's first chunk. */
  readonly scan: TableScan | null;
}

/** Folds notifications, in their order, into what is known of table snapshots. */
export class TableSnapshotHistory {
  readonly #open = new Map<string, OpenTableSnapshot>();
  readonly #progress = new Map<string, TableSnapshotProgress>();

  apply(notification: TableSnapshotNotification): void {
    const { id, type, additional_data: data } = notification;
    const tables = data.data_collections.split(',').map((name) => name.trim());
    const before = this.#open.get(id) ?? { id, tables, tableIndex: 0, scan: null };
    const rowsDone = Number(data.total_rows_scanned ?? 0);
    const rowsEstimated = data.estimated_rows === undefined ? null : Number(data.estimated_rows);
    switch (type) {
      case 'STARTED':
        this.#open.set(id, before);
        for (const table of tables) {
          this.#progress.set(table, { id, table, state: 'requested', rowsDone: null, rowsEstimated: null });
        }
        break;
      case 'IN_PROGRESS': {
        const table = data.current_collection_in_progress ?? '';
        const lastKey = z.array(z.string()).parse(JSON.parse(data.last_processed_key ?? '[]'));
        const scan = { lastKey, rowsDone, rowsEstimated };
        this.#open.set(id, { ...before, tableIndex: tables.indexOf(table), scan });
        this.#report({ id, table, state: 'running', rowsDone, rowsEstimated });
        break;
      }
      case 'TABLE_SCAN_COMPLETED': {
        const table = data.scanned_collection ?? '';
        const state = data.status === 'SUCCEEDED' ? 'completed' : 'failed';
        this.#open.set(id, { ...before, tableIndex: tables.indexOf(table) + 1, scan: null });
        this.#report({ id, table, state, rowsDone, rowsEstimated });
        break;
      }
      case 'COMPLETED':
        this.#open.delete(id);
        break;
      case 'ABORTED':
        this.#open.delete(id);
        for (const progress of this.#progress.values()) {
          if (progress.id === id && (progress.state === 'requested' || progress.state === 'running')) {
            this.#progress.set(progress.table, { ...progress, state: 'aborted' });
          }
        }
        break;
    }
  }

  /** Those to go on with, in the order in which they were asked for. */
  open(): readonly OpenTableSnapshot[] {
    return [...this.#open.values()];
  }

  /** The newest snapshot of a table; null when none was ever asked for. */
  progress(table: string): TableSnapshotProgress | null {
    return this.#progress.get(table) ?? null;
  }

  all(): readonly TableSnapshotProgress[] {
    return [...this.#progress.values()];
  }

  /** An older snapshot of a table that still runs does not hide that a newer one was asked for. */
  #report(progress: TableSnapshotProgress): void {
    const newest = this.#progress.get(progress.table);
    if (newest === undefined || newest.id === progress.id) this.#progress.set(progress.table, progress);
  }
}

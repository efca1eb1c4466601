import { parseExactJson, stringifyExactJson } from '@banyan/contracts';
import { z } from 'zod';

/**
 * How reading a table ended, in the status of its TABLE_SCAN_COMPLETED: everything was read, or it cannot be, or
 * somebody asked to stop.
 */
const scanStatuses = [
  'SUCCEEDED',
  'UNKNOWN_SCHEMA',
  'NO_PRIMARY_KEY',
  'NOT_PUBLISHED',
  'STOPPED',
  // Only Debezium's: there was no row; the database refused the reading.
  'EMPTY',
  'SKIPPED',
  'SQL_EXCEPTION',
] as const;
export type TableScanStatus = (typeof scanStatuses)[number];

const text = z.string();
const count = z.string().regex(/^\d+$/);

/** Debezium's notification of an incremental snapshot. All additional data are strings, as there. */
const tableSnapshotSchema = z.object({
  id: text,
  aggregate_type: z.literal('Incremental Snapshot'),
  type: z.enum(['STARTED', 'IN_PROGRESS', 'TABLE_SCAN_COMPLETED', 'COMPLETED', 'ABORTED']),
  additional_data: z.object({
    connector_name: text,
    /** Comma-separated. Debezium's COMPLETED is without. */
    data_collections: text.default(''),
    current_collection_in_progress: text.optional(),
    /** JSON arrays: the key's columns, and the last key's values as text. */
    key_columns: text.optional(),
    last_processed_key: text.optional(),
    scanned_collection: text.optional(),
    total_rows_scanned: count.optional(),
    estimated_rows: count.optional(),
    status: z.enum(scanStatuses).optional(),
  }),
  timestamp: z.number(),
});
export type TableSnapshotNotification = z.infer<typeof tableSnapshotSchema>;

/** Null for a record on the topic that tells of something else. */
export function parseNotification(value: string | null): TableSnapshotNotification | null {
  return value === null ? null : (tableSnapshotSchema.safeParse(parseExactJson(value)).data ?? null);
}

export function notificationText(notification: TableSnapshotNotification): string {
  return stringifyExactJson(notification);
}

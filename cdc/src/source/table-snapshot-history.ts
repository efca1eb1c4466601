import { z } from 'zod';
import type { RowRereadProgress, TableSnapshotProgress } from './source.ts';
import type {
  Notification,
  RowRereadNotification,
  TableSnapshotNotification,
} from './table-snapshot-notifications.ts';

/** How far the table in work has come. */
export interface TableScan {
  /** Columns of `lastKey`; when the table's key is another by now, its reading begins anew. */
  readonly keyColumns: readonly string[];
  readonly lastKey: readonly string[];
  readonly rowsDone: number;
  readonly rowsEstimated: number | null;
}

/** A table snapshot that was asked for and is not completed. */
export interface OpenTableSnapshot {
  readonly kind: 'table-snapshot';
  readonly id: string;
  readonly tables: readonly string[];
  /** Those that were read, could not be, or were stopped. The first one that is not among them is in work. */
  readonly finished: readonly string[];
  /** Null before the first chunk of the table in work. */
  readonly scan: TableScan | null;
}

/** Rows that were asked for again and did not all come. */
export interface OpenRowReread {
  readonly kind: 'row-reread';
  readonly id: string;
  readonly table: string;
  /** Key values as text, in key order. */
  readonly keys: readonly (readonly string[])[];
  /** So many of the first keys have their record. */
  readonly keysDone: number;
}

export type OpenWork = OpenTableSnapshot | OpenRowReread;

/** The table that a table snapshot reads now; null when all are finished. */
export function tableInWork({ tables, finished }: OpenTableSnapshot): string | null {
  return tables.find((table) => !finished.includes(table)) ?? null;
}

/** The snapshot after one of its tables was finished. */
export function withFinished(open: OpenTableSnapshot, table: string): OpenTableSnapshot {
  const scan = tableInWork(open) === table ? null : open.scan;
  return { ...open, finished: [...open.finished, table], scan };
}

const textList = z.array(z.string());
const keyList = z.array(textList);
/** Row re-reads whose end is remembered. */
const MAX_REREADS = 1_000;

/** Folds notifications, in their order, into what is known of table snapshots and row re-reads. */
export class TableSnapshotHistory {
  readonly #open = new Map<string, OpenWork>();
  readonly #progress = new Map<string, TableSnapshotProgress>();
  readonly #rereads = new Map<string, RowRereadProgress>();

  apply(notification: Notification): void {
    if (notification.aggregate_type === 'Row Reread') this.#applyReread(notification);
    else this.#applyTableSnapshot(notification);
  }

  /** Those to go on with, in the order in which they were asked for. */
  open(): readonly OpenWork[] {
    return [...this.#open.values()];
  }

  /** The newest snapshot of a table; null when none was ever asked for. */
  progress(table: string): TableSnapshotProgress | null {
    return this.#progress.get(table) ?? null;
  }

  all(): readonly TableSnapshotProgress[] {
    return [...this.#progress.values()];
  }

  /** One of the last 1,000 row re-reads; null when it is not known. */
  rowReread(id: string): RowRereadProgress | null {
    return this.#rereads.get(id) ?? null;
  }

  #applyTableSnapshot({ id, type, additional_data: data }: TableSnapshotNotification): void {
    const tables = data.data_collections.split(',').map((name) => name.trim());
    const known = this.#open.get(id);
    const before: OpenTableSnapshot =
      known?.kind === 'table-snapshot'
        ? known
        : { kind: 'table-snapshot', id, tables, finished: [], scan: null };
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
        const scan: TableScan = {
          keyColumns: parseTexts(data.key_columns),
          lastKey: parseTexts(data.last_processed_key),
          ...{ rowsDone, rowsEstimated },
        };
        this.#open.set(id, { ...before, scan });
        this.#report({ id, table, state: 'running', rowsDone, rowsEstimated });
        break;
      }
      case 'TABLE_SCAN_COMPLETED': {
        const table = data.scanned_collection ?? '';
        this.#open.set(id, withFinished(before, table));
        this.#report({ id, table, state: stateOf(data.status), rowsDone, rowsEstimated });
        break;
      }
      case 'COMPLETED':
      case 'ABORTED':
        this.#open.delete(id);
        break;
    }
  }

  #applyReread({ id, type, additional_data: data }: RowRereadNotification): void {
    const table = data.data_collections;
    const keysTotal = Number(data.keys_total);
    const keysDone = Number(data.keys_done ?? 0);
    const known = this.#open.get(id);
    switch (type) {
      case 'STARTED': {
        const keys = keyList.parse(JSON.parse(data.keys ?? '[]'));
        this.#open.set(id, { kind: 'row-reread', id, table, keys, keysDone: 0 });
        this.#remember({ id, table, state: 'requested', keysDone: 0, keysTotal, problem: null });
        break;
      }
      case 'IN_PROGRESS':
        if (known?.kind === 'row-reread') this.#open.set(id, { ...known, keysDone });
        this.#remember({ id, table, state: 'running', keysDone, keysTotal, problem: null });
        break;
      case 'COMPLETED':
        this.#open.delete(id);
        this.#remember({ id, table, state: 'completed', keysDone: keysTotal, keysTotal, problem: null });
        break;
      case 'ABORTED': {
        this.#open.delete(id);
        const problem = data.reason ?? data.status ?? 'unknown';
        this.#remember({ id, table, state: 'failed', keysDone, keysTotal, problem });
        break;
      }
    }
  }

  /** An older snapshot of a table that still runs does not hide that a newer one was asked for. */
  #report(progress: TableSnapshotProgress): void {
    const newest = this.#progress.get(progress.table);
    if (newest === undefined || newest.id === progress.id) this.#progress.set(progress.table, progress);
  }

  #remember(progress: RowRereadProgress): void {
    this.#rereads.set(progress.id, progress);
    const oldest = this.#rereads.keys().next();
    if (this.#rereads.size > MAX_REREADS && !oldest.done) this.#rereads.delete(oldest.value);
  }
}

/** Debezium's own keys are in another form, which may look like ours (`[B@49f520ed`), and not for us to resume from. */
function parseTexts(json: string | undefined): readonly string[] {
  if (json === undefined) return [];
  try {
    return textList.safeParse(JSON.parse(json)).data ?? [];
  } catch {
    return [];
  }
}

function stateOf(
  status: TableSnapshotNotification['additional_data']['status'],
): TableSnapshotProgress['state'] {
  if (status === 'SUCCEEDED' || status === 'EMPTY') return 'completed';
  return status === 'STOPPED' ? 'stopped' : 'failed';
}

import { z } from 'zod';
import type { TableSnapshotProgress } from '../feed/feed-history.ts';
import type { TableSnapshotNotification } from './table-snapshot-notifications.ts';

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
  readonly id: string;
  readonly tables: readonly string[];
  /** Those that were read, could not be, or were stopped. The first one that is not among them is in work. */
  readonly finished: readonly string[];
  /** Null before the first chunk of the table in work. */
  readonly scan: TableScan | null;
}

/** The table that a table snapshot reads now; null when all are finished. */
export function tableInWork({ tables, finished }: OpenTableSnapshot): string | null {
  return tables.find((table) => !finished.includes(table)) ?? null;
}

/** The snapshot after one of its tables was finished. */
export function withFinished(open: OpenTableSnapshot, table: string): OpenTableSnapshot {
  const scan = tableInWork(open) === table ? null : open.scan;
  return { ...open, finished: [...open.finished, table], scan };
}

/** Table snapshots of one table that are known: slices that share it ask for one each, and look for their own. */
const KEPT_OF_TABLE = 16;

const textList = z.array(z.string());

/** Folds notifications, in their order, into what is known of table snapshots. */
export class TableSnapshotHistory {
  readonly #open = new Map<string, OpenTableSnapshot>();
  /** By table and id, oldest first. */
  readonly #progress = new Map<string, Map<string, TableSnapshotProgress>>();

  apply({ id, type, additional_data: data }: TableSnapshotNotification): void {
    const tables = data.data_collections.split(',').map((name) => name.trim());
    const before = this.#open.get(id) ?? { id, tables, finished: [], scan: null };
    const rowsDone = Number(data.total_rows_scanned ?? 0);
    const rowsEstimated = data.estimated_rows === undefined ? null : Number(data.estimated_rows);
    switch (type) {
      case 'STARTED':
        this.#open.set(id, before);
        for (const table of tables) {
          this.#begin({ id, table, state: 'requested', rowsDone: null, rowsEstimated: null });
        }
        break;
      case 'IN_PROGRESS': {
        const table = data.current_collection_in_progress ?? '';
        const scan: TableScan = {
          keyColumns: parseTexts(data.key_columns),
          lastKey: parseTexts(data.last_processed_key),
          rowsDone,
          rowsEstimated,
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

  /** Those to go on with, in the order in which they were asked for. */
  open(): readonly OpenTableSnapshot[] {
    return [...this.#open.values()];
  }

  /** The snapshot of a table with this id, without one the newest; null when it is not known. */
  progress(table: string, id?: string): TableSnapshotProgress | null {
    const ofTable = this.#progress.get(table);
    return (id === undefined ? [...(ofTable?.values() ?? [])].at(-1) : ofTable?.get(id)) ?? null;
  }

  /** The newest one of each table. */
  all(): readonly TableSnapshotProgress[] {
    return [...this.#progress.keys()].flatMap((table) => this.progress(table) ?? []);
  }

  /** The last ones of each table, at most 16. */
  kept(): readonly TableSnapshotProgress[] {
    return [...this.#progress.values()].flatMap((ofTable) => [...ofTable.values()]);
  }

  #begin(progress: TableSnapshotProgress): void {
    const ofTable = this.#progress.get(progress.table) ?? new Map<string, TableSnapshotProgress>();
    this.#progress.set(progress.table, ofTable.set(progress.id, progress));
    const [oldest] = ofTable.keys();
    if (ofTable.size > KEPT_OF_TABLE && oldest !== undefined) ofTable.delete(oldest);
  }

  /** Of one whose beginning is not known (it was let go) nothing is reported, unless nothing newer is known. */
  #report(progress: TableSnapshotProgress): void {
    const ofTable = this.#progress.get(progress.table);
    if (ofTable === undefined) this.#begin(progress);
    else if (ofTable.has(progress.id)) ofTable.set(progress.id, progress);
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

import { notificationTopic } from '@banyan/contracts';
import { setTimeout as delay } from 'node:timers/promises';
import { BusUnreachableError, OffsetGoneError } from '../../bus/bus-errors.ts';
import type { Bus, StoredRecord, TopicPosition } from '../../bus/bus.ts';
import type { TableSnapshotProgress } from '../feed/feed-history.ts';
import { TableSnapshotHistory } from './table-snapshot-history.ts';
import { parseNotification } from './table-snapshot-notifications.ts';

const PAGE_RECORDS = 1_000;
const RETRY_MS = 500;

interface NotificationsOptions {
  readonly bus: Bus;
  /** Topic prefix, e.g. `shop`. */
  readonly prefix: string;
  readonly signal: AbortSignal;
}

/** Reads every notification that is on the bus at the time of the call. */
export async function readTableSnapshotHistory(options: NotificationsOptions): Promise<TableSnapshotHistory> {
  const { bus, prefix, signal } = options;
  const history = new TableSnapshotHistory();
  const apply = (records: readonly StoredRecord[]): void => applyAll(history, records);
  for (const start of await bus.starts([notificationTopic(prefix)])) {
    await readToEnd({ bus, start, apply, signal });
  }
  return history;
}

function applyAll(history: TableSnapshotHistory, records: readonly StoredRecord[]): void {
  for (const { value } of records) {
    const notification = parseNotification(value);
    if (notification) history.apply(notification);
  }
}

/** The newest table snapshot of each table, from the bus, as of now. */
export async function tableSnapshotProgress(
  bus: Bus,
  prefix: string,
  signal: AbortSignal,
): Promise<readonly TableSnapshotProgress[]> {
  return (await readTableSnapshotHistory({ bus, prefix, signal })).all();
}

/** Knows how far table snapshots have come, as their notifications arrive. */
export interface TableSnapshotFollower {
  /** The snapshot of a table (`schema.table`) with this id, without one the newest; null when it is not known. */
  progress(table: string, id?: string): TableSnapshotProgress | null;
  /** Table snapshots whose end was not told: they run, wait, or went away with a feed that began anew. */
  open(): readonly { readonly id: string; readonly tables: readonly string[] }[];
  /** Settles when following ends: resolves after the signal has aborted, rejects when the bus failed. */
  readonly ended: Promise<void>;
}

/**
 * Follows table snapshots until the signal aborts, also while the bus comes and goes. Resolves once what is on the bus
 * already is known; on a bus that cannot be reached that comes later, and until then nothing is known.
 */
export async function followTableSnapshots(options: NotificationsOptions): Promise<TableSnapshotFollower> {
  const { bus, prefix, signal } = options;
  const history = new TableSnapshotHistory();
  /** Where to go on; null: from the beginning. */
  let next: readonly TopicPosition[] | null = null;
  const readAll = async (): Promise<readonly TopicPosition[]> => {
    const apply = (records: readonly StoredRecord[]): void => applyAll(history, records);
    const ends: TopicPosition[] = [];
    for (const start of await bus.starts([notificationTopic(prefix)])) {
      ends.push(await readToEnd({ bus, start, apply, signal }));
    }
    return ends;
  };
  const follow = async (): Promise<void> => {
    next ??= await readAll();
    await bus.consume({
      from: next,
      onBatch(records) {
        applyAll(history, records);
        next = moved(next ?? [], records);
        return Promise.resolve();
      },
      signal,
    });
  };
  const followOn = async (): Promise<void> => {
    for (;;) {
      try {
        await follow();
        return;
      } catch (error) {
        if (signal.aborted) return;
        // The topic was deleted: what comes on the new one is told from its beginning.
        if (error instanceof OffsetGoneError) next = null;
        else if (!(error instanceof BusUnreachableError)) throw error;
        await delay(RETRY_MS, undefined, { signal }).catch(() => undefined); // the next turn sees the abort
      }
    }
  };
  try {
    next = await readAll();
  } catch (error) {
    if (!(error instanceof BusUnreachableError)) throw error; // else tried again by what follows
  }
  return {
    progress: (table, id) => history.progress(table, id),
    open: () => history.open(),
    ended: followOn(),
  };
}

/** Each partition's position behind the last of its records. */
function moved(
  positions: readonly TopicPosition[],
  records: readonly StoredRecord[],
): readonly TopicPosition[] {
  return positions.map((place) => {
    const last = records.findLast(({ partition }) => partition === place.partition);
    return last ? { ...place, nextOffset: last.offset + 1 } : place;
  });
}

/**
 * By pages, not up to an offset: the last offsets before a topic's end may be marks of transactions, never handed over.
 *
 * @returns Where to go on.
 */
async function readToEnd(options: {
  readonly bus: Bus;
  readonly start: TopicPosition;
  readonly apply: (records: readonly StoredRecord[]) => void;
  readonly signal: AbortSignal;
}): Promise<TopicPosition> {
  const { bus, start, apply, signal } = options;
  let next = start;
  for (;;) {
    signal.throwIfAborted();
    const page = await bus.read(next, PAGE_RECORDS);
    apply(page);
    const last = page.at(-1);
    if (last) next = { ...start, nextOffset: last.offset + 1 };
    if (page.length < PAGE_RECORDS) return next;
  }
}

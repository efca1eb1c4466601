import { notificationTopic } from '@banyan/contracts';
import type { Bus, StoredRecord, TopicPosition } from '../bus/bus.ts';
import type { TableSnapshotProgress } from './source.ts';
import { TableSnapshotHistory } from './table-snapshot-history.ts';
import { parseNotification } from './table-snapshot-notifications.ts';

const PAGE_RECORDS = 1_000;

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
  /** The newest snapshot of a table (`schema.table`); null when none was ever asked for. */
  progress(table: string): TableSnapshotProgress | null;
  /** Settles when following ends: resolves after the signal has aborted, rejects when the bus failed. */
  readonly ended: Promise<void>;
}

/** Follows table snapshots until the signal aborts. Resolves once what is on the bus already is known. */
export async function followTableSnapshots(options: NotificationsOptions): Promise<TableSnapshotFollower> {
  const { bus, prefix, signal } = options;
  const history = new TableSnapshotHistory();
  const apply = (records: readonly StoredRecord[]): void => applyAll(history, records);
  const from: TopicPosition[] = [];
  for (const start of await bus.starts([notificationTopic(prefix)])) {
    from.push(await readToEnd({ bus, start, apply, signal }));
  }
  const ended = bus.consume({
    from,
    onBatch: (records) => {
      apply(records);
      return Promise.resolve();
    },
    signal,
  });
  return { progress: (table) => history.progress(table), ended };
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

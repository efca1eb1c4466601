import { notificationTopic } from '@banyan/contracts';
import type { Bus } from '../bus/bus.ts';
import type { RowRereadProgress, TableSnapshotProgress } from './source.ts';
import { TableSnapshotHistory } from './table-snapshot-history.ts';
import { parseNotification } from './table-snapshot-notifications.ts';

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
  const topic = notificationTopic(prefix);
  const ends = await bus.ends([topic]);
  const missing = new Map(
    ends.flatMap((end) => (end.nextOffset > 0 ? [[end.partition, end.nextOffset]] : [])),
  );
  if (missing.size === 0) return history;
  const done = new AbortController();
  await bus.consume({
    from: [...missing.keys()].map((partition) => ({ topic, partition, nextOffset: 0 })),
    onBatch: (records) => {
      for (const { partition, offset, value } of records) {
        const notification = parseNotification(value);
        if (notification) history.apply(notification);
        if (offset + 1 >= (missing.get(partition) ?? 0)) missing.delete(partition);
      }
      if (missing.size === 0) done.abort();
      return Promise.resolve();
    },
    signal: AbortSignal.any([signal, done.signal]),
  });
  signal.throwIfAborted();
  return history;
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
  /** A row re-read by its id, one of the last 1,000; null when it is not known (yet). */
  rowReread(id: string): RowRereadProgress | null;
  /** Settles when following ends: resolves after the signal has aborted, rejects when the bus failed. */
  readonly ended: Promise<void>;
}

/** Follows table snapshots until the signal aborts. Resolves once what is on the bus already is known. */
export async function followTableSnapshots(options: NotificationsOptions): Promise<TableSnapshotFollower> {
  const { bus, prefix, signal } = options;
  const topic = notificationTopic(prefix);
  const history = new TableSnapshotHistory();
  const missing = new Map((await bus.ends([topic])).map((end) => [end.partition, end.nextOffset]));
  const caughtUp = Promise.withResolvers<undefined>();
  const look = (): void => {
    if ([...missing.values()].every((left) => left <= 0)) caughtUp.resolve(undefined);
  };
  const partitions = await bus.partitions(topic);
  const ends = new Map(missing);
  const ended = bus.consume({
    from: partitions.map((partition) => ({ topic, partition, nextOffset: 0 })),
    onBatch: (records) => {
      for (const { partition, offset, value } of records) {
        const notification = parseNotification(value);
        if (notification) history.apply(notification);
        missing.set(partition, (ends.get(partition) ?? 0) - offset - 1);
      }
      look();
      return Promise.resolve();
    },
    signal,
  });
  look();
  await Promise.race([caughtUp.promise, ended]);
  return {
    progress: (table) => history.progress(table),
    rowReread: (id) => history.rowReread(id),
    ended,
  };
}

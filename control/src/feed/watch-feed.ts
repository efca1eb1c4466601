import { tableTopic } from '@banyan/contracts';
import type { Closable, Logger, Work } from '@banyan/kit';
import type { Clock } from '../clock.ts';
import { completeCopyOf } from '../slices/domain/slice-state.ts';
import type { SliceLedger } from '../slices/ledger/slice-ledger.ts';
import type { ManagedSlice } from '../slices/managed-slice.ts';
import { CarriedColumns } from './carried-columns.ts';
import { CaughtUpRounds } from './caught-up-rounds.ts';
import { SnapshotRates } from './domain/snapshot-rate.ts';
import { FeedContinuity } from './feed-continuity.ts';
import { FeedGuard } from './feed-guard.ts';
import { FeedMonitor } from './feed-monitor.ts';
import { OutboxTable } from './outbox-table.ts';
import type { FeedParts } from './ports.ts';
import { SnapshotWaits } from './snapshot-waits.ts';
import { SyncDriver } from './sync-driver.ts';
import { WalMonitor } from './wal-monitor.ts';

const FEED_INTERVAL_MS = 2_000;
const SNAPSHOT_INTERVAL_MS = 1_000;
const DEFAULT_RETAINED_WAL_WARN_BYTES = 1_073_741_824;

/** Settings of the feed. */
export interface FeedSettings {
  readonly topicPrefix: string;
  /** Name of the reader's slot. */
  readonly slot: string;
  /** `schema.table` of the outbox, which is put into the feed. Default: none. */
  readonly outboxTable?: string | undefined;
  /** False where no slice copies a table: no database is followed then. Default true. */
  readonly hasFeed?: boolean;
  /** From so many bytes of WAL that a slot keeps on it is said. Default 1 GiB. */
  readonly retainedWalWarnBytes?: number;
  /** Least time between two rounds of catching up, milliseconds. Default 50. */
  readonly caughtUpGapMs?: number;
}

export interface WatchFeedDeps extends FeedParts, FeedSettings {
  readonly slices: readonly ManagedSlice[];
  readonly ledger: SliceLedger;
  readonly clock: Clock;
  readonly log: Logger;
}

/** Everything that is known of the feed, and what copies are made with. */
export interface WatchedFeed extends Closable {
  readonly continuity: FeedContinuity;
  readonly driver: SyncDriver;
  readonly monitor: FeedMonitor;
  /** Null without an outbox. */
  readonly outbox: OutboxTable | null;
  readonly rates: SnapshotRates;
  readonly rounds: CaughtUpRounds;
  readonly waits: SnapshotWaits;
  readonly wal: WalMonitor;
  readonly work: readonly Work[];
}

/**
 * Puts together what looks after the feed. `close()` ends rounds of catching up.
 *
 * @throws Error when a slice copies the outbox.
 */
export function watchFeed(deps: WatchFeedDeps): WatchedFeed {
  const { ledger, log, slices, outboxTable, topicPrefix } = deps;
  const rounds = new CaughtUpRounds({
    caughtUp: deps.caughtUp,
    clock: deps.clock,
    markOf: async (name) => completeCopyOf(await ledger.read(name))?.feed ?? null,
    gapMs: deps.caughtUpGapMs,
  });
  const continuity = new FeedContinuity(deps);
  const parts = {
    continuity,
    driver: new SyncDriver({ ...deps, continuity }),
    monitor: new FeedMonitor(deps),
    outbox: outboxTable === undefined ? null : new OutboxTable({ ...deps, table: outboxTable }),
    rates: new SnapshotRates(),
    rounds,
    waits: new SnapshotWaits(deps),
    wal: new WalMonitor({
      ...deps,
      topics: slices.flatMap(({ tables }) => tables.map((table) => tableTopic(topicPrefix, table))),
      warnBytes: deps.retainedWalWarnBytes ?? DEFAULT_RETAINED_WAL_WARN_BYTES,
    }),
  };
  const columns = new CarriedColumns({ feed: deps.feed, slices, outboxTable, log });
  const guard = new FeedGuard(deps);
  return {
    ...parts,
    work: feedWork(deps, { ...parts, columns, guard }),
    close() {
      rounds.close();
      return Promise.resolve();
    },
  };
}

function feedWork(
  deps: WatchFeedDeps,
  parts: Pick<WatchedFeed, 'monitor' | 'outbox' | 'rates' | 'waits' | 'wal'> & {
    readonly columns: CarriedColumns;
    readonly guard: FeedGuard;
  },
): Work[] {
  const { hasFeed = true, slices, ledger, tableSnapshots, clock, log } = deps;
  const { monitor, outbox, rates, waits, wal, columns, guard } = parts;
  const onError = (error: unknown): void => log.warn({ err: error }, 'evidence could not be collected');
  const looks: Work['run'][] = [
    async (signal) => {
      if (hasFeed) await Promise.all([monitor.poll(signal), wal.poll(signal)]);
    },
    (signal) => columns.look(signal),
    (signal) => guard.look(signal),
    ...(outbox ? [(signal: AbortSignal) => outbox.look(signal)] : []),
  ];
  const lookAtSnapshots = async (slice: ManagedSlice, signal: AbortSignal): Promise<void> => {
    for (const table of slice.tables) {
      rates.observe(table, tableSnapshots.progress(table), clock.nowMs());
    }
    await waits.look(slice, await ledger.read(slice.name), signal);
  };
  return [
    ...looks.map((run) => ({ intervalMs: FEED_INTERVAL_MS, run, onError })),
    ...slices.map((slice) => ({
      intervalMs: SNAPSHOT_INTERVAL_MS,
      run: (signal: AbortSignal) => lookAtSnapshots(slice, signal),
      onError,
    })),
  ];
}

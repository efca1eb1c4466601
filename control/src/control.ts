import { tableTopic, type ResolvedBanyanConfig } from '@banyan/contracts';
import { listen, type Closable, type Logger } from '@banyan/kit';
import { SnapshotRates } from './domain/snapshot-rate.ts';
import { createApp } from './http/app.ts';
import { createRoutesStream } from './http/routes-stream.ts';
import { systemClock, type Clock } from './ports/clock.ts';
import type {
  CaughtUp,
  ControlBus,
  FeedHistory,
  RowReread,
  ServiceCopy,
  Source,
  TableSnapshots,
  Verify,
} from './ports/feed.ts';
import { completeCopyOf, type FeedMark } from './domain/slice-state.ts';
import type { SliceStore } from './ports/slice-store.ts';
import { BusInspector } from './use-cases/bus-inspector.ts';
import type { VerificationStore } from './ports/verification-store.ts';
import { CanaryGuard } from './use-cases/canary-guard.ts';
import { CarriedColumns } from './use-cases/carried-columns.ts';
import { CaughtUpRounds } from './use-cases/caught-up-rounds.ts';
import { EvidenceCollector } from './use-cases/evidence-collector.ts';
import { FeedContinuity } from './use-cases/feed-continuity.ts';
import { HeldRecords } from './use-cases/held-records.ts';
import { FeedGuard } from './use-cases/feed-guard.ts';
import { FeedMonitor } from './use-cases/feed-monitor.ts';
import { startLoop, type Loop } from './use-cases/loop.ts';
import { manageSlice, type ManagedSlice } from './use-cases/managed-slice.ts';
import { MissingValueReader } from './use-cases/missing-value-reader.ts';
import { OutboxTable } from './use-cases/outbox-table.ts';
import { ProxyRegistry } from './use-cases/proxy-registry.ts';
import { Reconciler } from './use-cases/reconciler.ts';
import { RoutesPublisher } from './use-cases/routes-publisher.ts';
import { SliceLedger } from './use-cases/slice-ledger.ts';
import { SliceVerbs } from './use-cases/slice-verbs.ts';
import { SnapshotWaits } from './use-cases/snapshot-waits.ts';
import { within } from './use-cases/store-failure.ts';
import { StatusReporter } from './use-cases/status-report.ts';
import { SyncDriver } from './use-cases/sync-driver.ts';
import { VerificationRunner } from './use-cases/verification-runner.ts';
import { WalMonitor } from './use-cases/wal-monitor.ts';

const SERVICE_POLL_INTERVAL_MS = 1_000;
const FEED_POLL_INTERVAL_MS = 2_000;
/** How soon a step that could not be written is tried again. */
const FLUSH_INTERVAL_MS = 1_000;

/** What a control plane is made of. Nothing of it is closed by the control plane. */
export interface ControlDeps {
  readonly config: ResolvedBanyanConfig;
  /** Slice name to the service's base URL and its copy. Every slice has one. */
  readonly services: Readonly<Record<string, { readonly url: string; readonly copy: ServiceCopy }>>;
  readonly store: SliceStore & { readonly verifications: VerificationStore };
  readonly source: Source;
  readonly bus: ControlBus;
  /** Knows where the feed stands, and whether it is still the one that copies are of. */
  readonly history: FeedHistory;
  readonly tableSnapshots: TableSnapshots;
  readonly caughtUp: CaughtUp;
  readonly rowReread: RowReread;
  readonly verify: Verify;
  readonly topicPrefix: string;
  /** `schema.table` of the outbox, which is put into the feed. Default: none. */
  readonly outboxTable?: string | undefined;
  /** False where no slice copies a table: no database is followed then. Default true. */
  readonly hasFeed?: boolean;
  /** Name of the reader's slot. */
  readonly slot: string;
  readonly monolithUrl: string;
  /** From so many bytes of WAL that a slot keeps on it is said. Default 1 GiB. */
  readonly retainedWalWarnBytes?: number;
  /** How long a gate may fail in canary before the reads are taken back, milliseconds. */
  readonly gateGraceMs: number;
  /** Least time between two rounds of catching up, milliseconds. Default 50. */
  readonly caughtUpGapMs?: number;
  readonly adminToken: string;
  readonly peerToken: string;
  /** Address to listen on. Default 127.0.0.1. */
  readonly host?: string;
  /** 0 for a free one. */
  readonly port: number;
  /** Watches of the files that are used, whose problems `status` shows first. Default: none. */
  readonly stores?: readonly { problems(): readonly string[] }[];
  readonly log: Logger;
  /** Default: the system's. */
  readonly clock?: Clock;
}

/** A running control plane. */
export interface Control extends Closable {
  /** Base URL of its API. */
  readonly url: string;
  /** One round of everything that otherwise runs each second: evidence, reconciling, publication. */
  tick(): Promise<void>;
  /** Starts doing that by itself. */
  start(): void;
}

/**
 * Puts a control plane together and opens its API. It does nothing by itself before `start()`.
 *
 * @throws when a slice has no service or copies the outbox, the store cannot be read, or the port is taken.
 * @example
 * const control = await createControl({ config, services, store, source, bus, ... });
 * control.start();
 */
export async function createControl(deps: ControlDeps): Promise<Control> {
  const { clock = systemClock, log, store, source, bus, history, caughtUp, tableSnapshots } = deps;
  const slices = deps.config.slices.map((definition) => {
    const service = deps.services[definition.name];
    if (!service) throw new Error(`Slice "${definition.name}" has no service.`);
    return manageSlice(definition, service);
  });
  const ledger = new SliceLedger({ store, clock, log });
  const markOf = async (name: string): Promise<FeedMark | null> =>
    completeCopyOf(await ledger.read(name))?.feed ?? null;
  const rounds = new CaughtUpRounds({ caughtUp, clock, markOf, gapMs: deps.caughtUpGapMs });
  const continuity = new FeedContinuity({ source, history, slot: deps.slot, clock });
  const proxies = new ProxyRegistry(clock);
  const evidence = new EvidenceCollector({ clock, source, tableSnapshots, rounds, continuity, proxies });
  const { hasFeed = true } = deps;
  const feed = new FeedMonitor({ source, bus, history, slot: deps.slot, clock, hasFeed });
  const wal = new WalMonitor({
    ...{
      source,
      bus,
      history,
      clock,
      slot: deps.slot,
      warnBytes: deps.retainedWalWarnBytes ?? 1_073_741_824,
    },
    topics: slices.flatMap(({ tables }) => tables.map((table) => tableTopic(deps.topicPrefix, table))),
  });
  const outbox =
    deps.outboxTable === undefined ? null : new OutboxTable({ source, table: deps.outboxTable, slices, log });
  const carried = new CarriedColumns({ source, slices, outboxTable: deps.outboxTable, log });
  const waits = new SnapshotWaits({ source, tableSnapshots, clock });
  const feedGuard = new FeedGuard({ source, log });
  const rates = new SnapshotRates();
  const verifications = new VerificationRunner({
    ...{ ledger, store: store.verifications, verify: deps.verify, clock, evidence },
  });
  const guard = new CanaryGuard({ ledger, evidence, clock, graceMs: deps.gateGraceMs });
  const { topicPrefix } = deps;
  const driver = new SyncDriver({
    ...{ ledger, clock, source, bus, tableSnapshots, caughtUp, continuity, topicPrefix, slices },
  });
  const reconciler = new Reconciler({ ledger, driver, guard, evidence, verifications, proxies, clock, log });
  const settings = { ...deps.config, monolithUrl: deps.monolithUrl };
  const publisher = new RoutesPublisher({ ledger, slices, settings, clock, log });
  const published = (): Promise<void> =>
    publisher.refresh().catch((error: unknown) => {
      // The step is made and stands; the publisher's loop tries again and proxies keep what they have.
      log.error({ err: error }, 'the routes were not published; the old ones stay');
    });
  ledger.onCommit(() => void published());
  const held = new HeldRecords({ ledger, evidence, source, caughtUp, rowReread: deps.rowReread });
  const { rowReread } = deps;
  const missingValues = new MissingValueReader({ evidence, source, rowReread, clock, log });
  const verbs = new SliceVerbs({ ledger, evidence, verifications, feed, clock, slices, published });
  const reporter = new StatusReporter({
    ...{ ledger, evidence, feed, proxies, reconciler, verifications, tableSnapshots, slices, clock },
    ...{ wal, rates, topicPrefix, outbox, waits, stores: deps.stores ?? [] },
  });

  // A higher version than any that was published before, since addresses may have changed; then the first snapshot.
  await ledger.open(slices.map(({ name }) => name));
  await verifications.open(slices.map(({ name }) => name));
  await publisher.refresh();
  const stream = createRoutesStream(publisher);
  const { adminToken, peerToken } = deps;
  const inspector = new BusInspector({ bus, clock, topicPrefix, slices: deps.config.slices });
  const app = createApp({
    ...{
      ledger,
      verbs,
      held,
      outbox,
      verifications,
      reporter,
      publisher,
      stream,
      proxies,
      rounds,
      inspector,
      slices,
    },
    ...{ adminToken, peerToken, log },
  });
  const { host, port } = deps;
  const server = await listen(app, { port, log, ...(host !== undefined && { host }) });

  const pollFeed = async (signal: AbortSignal): Promise<void> => {
    if (hasFeed) await Promise.all([feed.poll(signal), wal.poll(signal)]);
  };
  const pollSlice = async (slice: ManagedSlice, signal: AbortSignal): Promise<void> => {
    for (const table of slice.tables) {
      rates.observe(table, tableSnapshots.progress(table), clock.nowMs());
    }
    const state = await ledger.read(slice.name);
    await Promise.all([
      waits.look(slice, state, signal),
      evidence.pollService(slice, signal).then(() => evidence.pollRest(slice, state, signal)),
    ]);
  };
  let loops: readonly Loop[] = [];
  let closed: Promise<void> | undefined;
  return {
    url: server.url,
    async tick() {
      const { signal } = new AbortController();
      await pollFeed(signal);
      await carried.look(signal);
      await feedGuard.look(signal);
      await outbox?.look(signal);
      for (const slice of slices) {
        await pollSlice(slice, signal);
        await reconciler.tick(slice, signal);
        await missingValues.look(slice, signal);
      }
      await ledger.flush();
      await publisher.refresh();
    },
    start() {
      if (loops.length > 0) return;
      const onError = (error: unknown): void => log.warn({ err: error }, 'evidence could not be collected');
      const onUnread = (error: unknown): void => log.warn({ err: error }, 'rows could not be read again');
      loops = [
        startLoop({ intervalMs: FEED_POLL_INTERVAL_MS, run: pollFeed, onError }),
        startLoop({ intervalMs: FEED_POLL_INTERVAL_MS, run: (signal) => carried.look(signal), onError }),
        startLoop({ intervalMs: FLUSH_INTERVAL_MS, run: () => ledger.flush(), onError }),
        startLoop({ intervalMs: FEED_POLL_INTERVAL_MS, run: (signal) => feedGuard.look(signal), onError }),
        ...(outbox
          ? [startLoop({ intervalMs: FEED_POLL_INTERVAL_MS, run: (signal) => outbox.look(signal), onError })]
          : []),
        ...slices.map((slice) =>
          startLoop({
            intervalMs: SERVICE_POLL_INTERVAL_MS,
            run: (signal) => pollSlice(slice, signal),
            onError,
          }),
        ),
        ...slices.map((slice) =>
          startLoop({
            intervalMs: SERVICE_POLL_INTERVAL_MS,
            run: (signal) => missingValues.look(slice, signal),
            onError: onUnread,
          }),
        ),
      ];
      reconciler.start(slices);
      publisher.start();
    },
    close() {
      closed ??= (async () => {
        stream.close();
        rounds.close();
        await Promise.all([server.close(), reconciler.close(), ...loops.map((loop) => loop.close())]);
        await verifications.close();
        await within(FLUSH_INTERVAL_MS, ledger.flush()).catch(() => undefined); // a last try
        await publisher.close();
      })();
      return closed;
    },
  };
}

import { defineSlice, type SliceDefinition, type SyncReport } from '@banyan/contracts';
import type { Bus } from '@banyan/cdc';
import type {
  CaughtUp,
  ControlBus,
  ServiceCopy,
  Source,
  TableSnapshotProgress,
  TableSnapshots,
  Verify,
  VerifyState,
} from '../ports/feed.ts';
import type { ManualClock } from './manual-clock.ts';

/** A feed, a bus and a service that behave as they are told. */
export interface FakeFeed {
  readonly source: Source;
  readonly bus: ControlBus;
  readonly tableSnapshots: TableSnapshots;
  readonly caughtUp: CaughtUp;
  readonly verify: Verify;
  readonly copy: ServiceCopy;
  /** What was asked of it, in order, e.g. `ensureTables public.reviews`. */
  readonly calls: string[];
  /** Set a message to make that part fail with it. */
  readonly broken: {
    service: string | null;
    source: string | null;
    caughtUp: string | null;
    verify: string | null;
  };
  lag: SyncReport['lag'];
  quarantined: number;
  /** False: heartbeats stopped at the last one. */
  beating: boolean;
  /** What the next verification finds. */
  verification: VerifyState;
  /** Takes the place of a verification that ends at once. */
  onVerify: Verify | null;
  /** Reports every table of the last table snapshot as completed. */
  completeSnapshot(): void;
  /** Called at the start of each round of catching up; a promise holds it up. */
  onCatchUp: () => Promise<void>;
}

/** The slice that tests move. */
export function createTestSlice(name = 'reviews', table = 'public.reviews'): SliceDefinition {
  return defineSlice({
    name,
    title: 'Product reviews',
    routes: [{ path: `/products/:slug/${name}`, methods: ['GET', 'POST'] }],
    tables: [{ source: table, target: 'review', kind: 'owned', key: ['id'], columns: { id: 'review_id' } }],
    canaryShares: [0.1, 0.5, 1],
  });
}

/** A table that was verified: 20 rows on both sides, and nothing wrong but what is given. */
export function verifiedTable(
  changes: Partial<VerifyState['tables'][number]> = {},
): VerifyState['tables'][number] {
  return {
    ...{ source: 'public.reviews', target: 'review', step: 'done', after: null, rowsEstimated: 20 },
    ...{ rowsSource: 20, rowsTarget: 20, missing: 0, extra: 0, different: 0, unsettled: 0, repaired: 0 },
    ...{ ranges: 1, examples: [], notes: [] },
    ...changes,
  };
}

/** @param clock The clock that heartbeats are written by. */
export function createFakeFeed(clock: ManualClock): FakeFeed {
  const progress = new Map<string, TableSnapshotProgress>();
  let heartbeatAtMs = clock.nowMs();
  let snapshots = 0;
  let positions = 0;
  const ask = <T>(part: keyof FakeFeed['broken'], call: string, answer: () => T | Promise<T>): Promise<T> => {
    if (call) feed.calls.push(call);
    const trouble = feed.broken[part];
    return trouble === null ? Promise.resolve(answer()) : Promise.reject(new Error(trouble));
  };
  const source: Source = {
    ensureTables: (tables) => ask('source', `ensureTables ${tables.join()}`, () => undefined),
    removeTables: (tables) => ask('source', `removeTables ${tables.join()}`, () => undefined),
    describeTables: (tables) =>
      ask('source', '', () =>
        tables.map((name) => ({ name, key: ['id'], columns: { id: 'bigint' }, estimatedRows: 20 })),
      ),
    requestTableSnapshot: (tables) =>
      ask('source', `requestTableSnapshot ${tables.join()}`, () => {
        snapshots += 1;
        const id = `snapshot-${snapshots}`;
        for (const table of tables) {
          progress.set(table, { id, table, state: 'running', rowsDone: 12, rowsEstimated: 20 });
        }
        return id;
      }),
    stopTableSnapshots: (tables) =>
      ask('source', `stopTableSnapshots ${tables.join()}`, () => {
        for (const table of tables) {
          const now = progress.get(table);
          if (now && now.state !== 'completed') progress.set(table, { ...now, state: 'stopped' });
        }
      }),
    requestRowReread: (table) => ask('source', `requestRowReread ${table}`, () => 'reread-1'),
    takePosition: () => ask('source', '', () => '0/1'),
    slotStatus: () =>
      ask('source', '', () => ({
        exists: true,
        active: true,
        confirmedFlushLsn: '0/1',
        retainedWalBytes: 4096,
        walStatus: 'reserved',
      })),
    readRows: () => Promise.resolve([]),
    readPage: () =>
      Promise.resolve({
        ...{ rows: [], keyAt: () => [], versionAt: () => '', isKeyTextShared: true, bytewise: [] },
      }),
    close: () => Promise.resolve(),
  };
  const bus: ControlBus = {
    append(records: Parameters<Bus['append']>[0]) {
      feed.calls.push(...records.map(({ topic, key }) => `append ${topic} ${key ?? ''}`));
      return Promise.resolve();
    },
    sourcePosition: (name) =>
      Promise.resolve({
        ...{ source: name, epoch: 1, lsn: 1n, systemId: '1', timeline: 1 },
        heardAtMs: clock.nowMs(),
      }),
  };
  const feed: FakeFeed = {
    calls: [],
    broken: { service: null, source: null, caughtUp: null, verify: null },
    lag: { p50Ms: 20, p99Ms: 80, samples: 60 },
    quarantined: 0,
    beating: true,
    verification: { tables: [verifiedTable()] },
    onVerify: null,
    onCatchUp: () => Promise.resolve(),
    source,
    bus,
    tableSnapshots: { progress: (table) => progress.get(table) ?? null, rowReread: () => null },
    caughtUp: {
      async wait({ signal }) {
        positions += 1;
        const position = `0/${positions.toString(16).toUpperCase()}`;
        const aborted = Promise.withResolvers<never>();
        signal.addEventListener('abort', () => aborted.reject(new Error('aborted')), { once: true });
        await Promise.race([feed.onCatchUp(), aborted.promise]);
        return ask('caughtUp', '', () => ({ position }));
      },
    },
    verify: (options) =>
      ask(
        'verify',
        options.repair ? 'repair' : 'verify',
        () => feed.onVerify?.(options) ?? feed.verification,
      ),
    copy: {
      sync: () =>
        ask('service', '', () => {
          if (feed.beating) heartbeatAtMs = clock.nowMs();
          return {
            ...{ slice: 'reviews', group: 'reviews', state: 'running', error: null, startedAtMs: 1 },
            nowMs: clock.nowMs(),
            tables: [
              {
                ...{ source: 'public.reviews', target: 'review', topic: 'shop.public.reviews' },
                ...{
                  nextOffset: 7,
                  appliedRows: 20,
                  quarantined: feed.quarantined,
                  lost: false,
                  endOffset: null,
                },
              },
            ],
            lag: feed.lag,
            heartbeatAtMs,
          } satisfies SyncReport;
        }),
      metTopics: () => Promise.resolve([]),
      pieces: () => Promise.resolve({ pieces: [] }),
      rows: () => Promise.resolve({ rows: [], isWhole: true }),
    },
    completeSnapshot() {
      for (const [table, each] of progress)
        progress.set(table, { ...each, state: 'completed', rowsDone: 20 });
    },
  };
  return feed;
}

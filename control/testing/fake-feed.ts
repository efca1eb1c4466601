import {
  defineSlice,
  type HeldQueueReport,
  type Row,
  type SliceDefinition,
  type StoreReport,
  type SyncReport,
} from '@banyan/contracts';
import {
  OffsetGoneError,
  type Bus,
  type BusRecord,
  type BusUsage,
  type SourcePosition,
  type GroupStatus,
  type StoredRecord,
} from '@banyan/cdc/bus';
import {
  SourceTableError,
  type CatalogMark,
  type UnfinishedTransaction,
  type SlotWal,
  type SourceTable,
  type SourceTableProblem,
  type UnwritableTable,
  type WalRetention,
  type FeedHistory,
  type PostgresSource,
  type TableSnapshotProgress,
} from '@banyan/cdc/capture';
import { type ServiceStore, type VerifyState } from '@banyan/cdc/verify';
import type {
  CaughtUp,
  ControlBus,
  CarriedTable,
  InspectedBus,
  RowReread,
  TableSnapshots,
} from '../src/feed/ports.ts';
import type { ServiceCopy } from '../src/slices/service-copy.ts';
import type { Verify } from '../src/verification/verify.ts';
import type { ManualClock } from './manual-clock.ts';

/** A feed, a bus and a service that behave as they are told. */
export interface FakeFeed {
  readonly source: PostgresSource;
  readonly bus: ControlBus & FeedHistory;
  readonly tableSnapshots: TableSnapshots;
  readonly caughtUp: CaughtUp;
  readonly rowReread: RowReread;
  /** Called when rows are read again: what comes of it in the service. */
  onReadAgain: () => void;
  readonly verify: Verify;
  readonly copy: ServiceCopy;
  /** What was asked of it, in order, e.g. `ensureTables public.reviews`. */
  readonly calls: string[];
  /** What was put on the bus. */
  readonly appended: BusRecord[];
  /** Set a message to make that part fail with it. */
  readonly broken: {
    service: string | null;
    source: string | null;
    caughtUp: string | null;
    verify: string | null;
  };
  lag: SyncReport['lag'];
  quarantined: number;
  /** What the bus says of the feed's incarnation. */
  incarnation: Pick<SourcePosition, 'incarnation' | 'incarnationReason' | 'incarnationAtMs' | 'anewReason'>;
  membership: string;
  /** Why `ensureTables` refuses; null: it does not. */
  refusal: string | null;
  /** What `ensureTables` added, and what the last `carryOnly` said. */
  readonly carried: CarriedTable[];
  carriedOnly: readonly CarriedTable[];
  /** What the next look takes out of the feed. */
  readonly unwritable: UnwritableTable[];
  /** What the source's columns mean. */
  catalog: CatalogMark;
  /** What is open at the source. */
  openTransactions: UnfinishedTransaction[];
  /** What the source refuses to describe. */
  readonly unfit: SourceTableProblem[];
  /** What the service says of its copy. */
  lost: boolean;
  heldKeys: string[][];
  /** What the service holds back, as it lists it. */
  held: HeldQueueReport[];
  /** Key text to why a retry of it is refused; others are applied. */
  readonly refused: Map<string, string>;
  /** The service's tables. */
  storeReport: StoreReport;
  sourceTable: Partial<SourceTable>;
  sourceRows: Row[];
  /** False: heartbeats stopped at the last one. */
  beating: boolean;
  /** What slots keep. */
  wal: WalRetention;
  /** What the next verification finds. */
  verification: VerifyState;
  /** Takes the place of a verification that ends at once. */
  onVerify: Verify | null;
  /** Reports every table of the last table snapshot as completed. */
  completeSnapshot(): void;
  /** What people find on the bus. */
  readonly onBus: FakeBusContent;
  /** Reports so many rows of every table as read. */
  readRows(rowsDone: number): void;
  /** Called at the start of each round of catching up; a promise holds it up. */
  onCatchUp: () => Promise<void>;
}

/** Records, groups and room of a bus. A topic begins at its first record. */
export interface FakeBusContent {
  records: readonly StoredRecord[];
  groups: readonly GroupStatus[];
  usage: BusUsage;
}

/** What can be seen of a bus with this content. */
function inspected(content: () => FakeBusContent): InspectedBus {
  const of = (topic: string): readonly StoredRecord[] =>
    content().records.filter((record) => record.topic === topic);
  const first = (topic: string): number => of(topic)[0]?.offset ?? 0;
  const next = (topic: string): number => (of(topic).at(-1)?.offset ?? -1) + 1;
  const place = (
    topic: string,
    nextOffset: number,
  ): { topic: string; partition: number; nextOffset: number } => ({
    topic,
    partition: 0,
    nextOffset,
  });
  return {
    groups: () => Promise.resolve(content().groups),
    usage: () => Promise.resolve(content().usage),
    starts: (topics) => Promise.resolve(topics.map((topic) => place(topic, first(topic)))),
    ends: (topics) => Promise.resolve(topics.map((topic) => place(topic, next(topic)))),
    topics: () =>
      Promise.resolve(
        [...new Set(content().records.map(({ topic }) => topic))].map((topic) => ({
          topic,
          firstOffset: first(topic),
          nextOffset: next(topic),
          records: of(topic).length,
          bytes: 100,
        })),
      ),
    read(from, limit) {
      if (from.nextOffset < first(from.topic)) {
        return Promise.reject(new OffsetGoneError([from], [place(from.topic, first(from.topic))]));
      }
      return Promise.resolve(
        of(from.topic)
          .filter(({ offset }) => offset >= from.nextOffset)
          .slice(0, limit),
      );
    },
  };
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
    source: 'public.reviews',
    target: 'review',
    step: 'done',
    after: null,
    rowsEstimated: 20,
    rowsSource: 20,
    rowsTarget: 20,
    missing: 0,
    extra: 0,
    different: 0,
    unsettled: 0,
    repaired: 0,
    ranges: 1,
    examples: [],
    notes: [],
    ...changes,
  };
}

/** A slot that keeps 4 kB. */
export function slotWal(name: string, changes: Partial<SlotWal> = {}): SlotWal {
  return {
    name,
    database: 'shop',
    kind: 'logical',
    active: false,
    walStatus: 'reserved',
    retainedWalBytes: 4096,
    safeWalBytes: null,
    inactiveSinceMs: null,
    ...changes,
  };
}

/** @param clock The clock that heartbeats are written by. */
export function createFakeFeed(clock: ManualClock): FakeFeed {
  /** Of every table snapshot that was asked for, in that order. */
  const progress: TableSnapshotProgress[] = [];
  const change = (to: (each: TableSnapshotProgress) => Partial<TableSnapshotProgress>): void => {
    for (const [i, each] of progress.entries()) progress[i] = { ...each, ...to(each) };
  };
  let heartbeatAtMs = clock.nowMs();
  let snapshots = 0;
  let positions = 0;
  const ask = <T>(part: keyof FakeFeed['broken'], call: string, answer: () => T | Promise<T>): Promise<T> => {
    if (call) feed.calls.push(call);
    const trouble = feed.broken[part];
    return trouble === null
      ? new Promise((resolve) => resolve(answer()))
      : Promise.reject(new Error(trouble));
  };
  const source: PostgresSource = {
    ensureTables: (tables) =>
      ask('source', `ensureTables ${tables.map(({ name }) => name).join()}`, () => {
        if (feed.refusal !== null) throw new Error(feed.refusal);
        feed.carried.push(...tables);
      }),
    carryOnly: (tables) => ask('source', '', () => void (feed.carriedOnly = tables)),
    removeTables: (tables) => ask('source', `removeTables ${tables.join()}`, () => undefined),
    removeUnwritable: () => ask('source', '', () => feed.unwritable.splice(0)),
    catalogMark: () => ask('source', '', () => feed.catalog),
    openTransactions: () => ask('source', '', () => feed.openTransactions),
    feedMembership: () => ask('source', '', () => feed.membership),
    describeTables: (tables) =>
      ask('source', '', () => {
        if (feed.unfit.length > 0) throw new SourceTableError(feed.unfit);
        return tables.map((name) => ({
          name,
          key: ['id'],
          columns: { id: 'bigint' },
          notNull: ['id'],
          estimatedRows: 20,
          ...feed.sourceTable,
        }));
      }),
    requestTableSnapshot: (tables) =>
      ask('source', `requestTableSnapshot ${tables.join()}`, () => {
        snapshots += 1;
        const id = `snapshot-${snapshots}`;
        for (const table of tables) {
          progress.push({ id, table, state: 'running', rowsDone: 12, rowsEstimated: 20 });
        }
        return id;
      }),
    stopTableSnapshots: (tables) =>
      ask('source', `stopTableSnapshots ${tables.join()}`, () => {
        change(({ table, state }) =>
          tables.includes(table) && state === 'running' ? { state: 'stopped' } : {},
        );
      }),
    readRows: () => ask('source', '', () => []),
    takePosition: () => ask('source', '', () => '0/1'),
    slotStatus: () =>
      ask('source', '', () => ({
        exists: true,
        active: true,
        confirmedFlushLsn: '0/1',
        retainedWalBytes: 4096,
        walStatus: 'reserved',
      })),
    readPage: () =>
      ask('source', '', () => ({
        rows: feed.sourceRows,
        keyAt: () => [],
        versionAt: () => '',
        isKeyTextShared: true,
        bytewise: [],
      })),
    walRetention: () => ask('source', '', () => feed.wal),
    close: () => Promise.resolve(),
  };
  const bus: ControlBus & FeedHistory = {
    append(records: Parameters<Bus['append']>[0]) {
      feed.calls.push(...records.map(({ topic, key }) => `append ${topic} ${key ?? ''}`));
      feed.appended.push(...records);
      return Promise.resolve();
    },
    release(group) {
      feed.calls.push(`release ${group}`);
      return Promise.resolve();
    },
    ...inspected(() => feed.onBus),
    sourcePosition: (name) =>
      Promise.resolve({
        source: name,
        epoch: 1,
        lsn: 1n,
        open: null,
        witness: null,
        systemId: '1',
        timeline: 1,
        publicationId: '1',
        heardAtMs: clock.nowMs(),
        ...feed.incarnation,
      }),
  };
  const feed: FakeFeed = {
    calls: [],
    appended: [],
    broken: { service: null, source: null, caughtUp: null, verify: null },
    lag: { p50Ms: 20, p99Ms: 80, samples: 60 },
    quarantined: 0,
    incarnation: {
      incarnation: 1,
      incarnationReason: 'the feed was begun',
      incarnationAtMs: 1,
      anewReason: null,
    },
    carried: [],
    carriedOnly: [],
    membership: 'publication=1/7 public.reviews=1/2',
    refusal: null,
    unwritable: [],
    catalog: {
      'public.reviews': {
        identity: '1',
        files: 'f',
        columns: { id: { what: '1 20', written: '1' } },
        labels: { 'mood.1': '7 sad' },
      },
    },
    openTransactions: [],
    unfit: [],
    lost: false,
    heldKeys: [],
    held: [],
    refused: new Map(),
    sourceTable: {},
    sourceRows: [],
    storeReport: {
      kind: 'sqlite',
      tables: [
        {
          name: 'review',
          columns: [
            {
              name: 'review_id',
              type: 'INTEGER',
              nullable: false,
              hasDefault: true,
              generated: false,
            },
          ],
          uniqueKeys: [['review_id']],
          foreignKeys: [],
        },
      ],
    },
    beating: true,
    onBus: { records: [], groups: [], usage: { bytes: 5_000, maxBytes: 9_000, warnBytes: 8_000 } },
    verification: { tables: [verifiedTable()] },
    onVerify: null,
    wal: { walLsn: '0/101', maxSlotWalKeepBytes: null, slots: [slotWal('banyan', { active: true })] },
    onCatchUp: () => Promise.resolve(),
    source,
    bus,
    tableSnapshots: {
      progress: (table, id) =>
        progress.findLast((each) => each.table === table && (id === undefined || each.id === id)) ?? null,
      open: () =>
        progress.flatMap(({ id, table, state }) => (state === 'running' ? [{ id, tables: [table] }] : [])),
    },
    rowReread: {
      readHeld: (table, keys) =>
        ask('source', `readHeld ${table} ${JSON.stringify(keys)}`, () => {
          feed.onReadAgain();
          return null;
        }),
    },
    onReadAgain: () => undefined,
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
            slice: 'reviews',
            group: 'reviews',
            state: 'running',
            error: null,
            startedAtMs: 1,
            nowMs: clock.nowMs(),
            tables: [
              {
                source: 'public.reviews',
                target: 'review',
                topic: 'shop.public.reviews',
                nextOffset: 7,
                appliedRows: 20,
                quarantined: feed.quarantined,
                heldKeys: feed.heldKeys,
                lost: feed.lost,
                endOffset: null,
              },
            ],
            lag: feed.lag,
            heartbeatAtMs,
          } satisfies SyncReport;
        }),
      metTopics: () => Promise.resolve([]),
      ...createFakeQuarantine(ask, () => feed),
      pieces: () => Promise.resolve({ pieces: [] }),
      rows: () => Promise.resolve({ rows: [], isWhole: true }),
    },
    readRows(rowsDone) {
      change(() => ({ rowsDone }));
    },
    completeSnapshot() {
      change(({ state }) => (state === 'running' ? { state: 'completed', rowsDone: 20 } : {}));
    },
  };
  return feed;
}

/** The service's answers about its store and what it holds back. */
function createFakeQuarantine(
  ask: <T>(part: 'service', call: string, answer: () => T) => Promise<T>,
  feed: () => FakeFeed,
): ServiceStore {
  const isNamed = (
    each: HeldQueueReport,
    { table, key }: { table: string; key: readonly string[] },
  ): boolean => each.table === table && each.key?.join() === key.join();
  const recordsOf = (queues: readonly HeldQueueReport[]): number =>
    queues.reduce((sum, { waiting }) => sum + 1 + waiting, 0);
  return {
    store: () => ask('service', '', () => feed().storeReport),
    quarantine: (limit) =>
      ask('service', '', () => ({ records: recordsOf(feed().held), queues: feed().held.slice(0, limit) })),
    retryHeld: ({ queue, dryRun }) =>
      ask('service', `retryHeld ${queue?.key.join() ?? 'all'}${dryRun ? ' dry' : ''}`, () => {
        const tried = feed().held.filter((each) => queue === null || isNamed(each, queue));
        const queues = tried.map((each) => ({
          table: each.table,
          key: each.key,
          records: 1 + each.waiting,
          refusedBecause: feed().refused.get(each.key?.join() ?? '') ?? null,
        }));
        const refused = queues.filter(({ refusedBecause }) => refusedBecause !== null).length;
        return { applied: queues.length - refused, refused, queues };
      }),
    heldKey: (name) =>
      ask('service', '', () => ({
        records: recordsOf(feed().held.filter((each) => isNamed(each, name))),
      })),
  };
}

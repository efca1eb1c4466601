import {
  parseBanyanConfig,
  type BanyanConfig,
  type JournalEntry,
  type Problem,
  type SliceDefinition,
  type SliceStatus,
  type VerbResponse,
} from '@banyan/contracts';
import { silentLogger } from '@banyan/kit';
import { createControl, type Control } from '../src/create-control.ts';
import { createFakeFeed, createTestSlice, type FakeFeed } from './fake-feed.ts';
import { createManualClock, type ManualClock } from './manual-clock.ts';
import { createMemoryStore } from './memory-store.ts';

type MemoryStore = ReturnType<typeof createMemoryStore>;

export const ADMIN_TOKEN = 'admin-token-of-the-tests-0123456789';
export const PEER_TOKEN = 'peer-token-of-the-tests-0123456789';
export const GRACE_MS = 10_000;

/** An answer of the API: its status and its body. */
export interface Answer<T> {
  readonly status: number;
  readonly body: T;
}

/** A control plane over fakes, with its API open, that does nothing by itself. */
export interface TestControl {
  readonly control: Control;
  readonly feed: FakeFeed;
  readonly clock: ManualClock;
  readonly store: MemoryStore;
  get<T>(path: string, token?: string): Promise<Answer<T>>;
  post<T>(path: string, body: unknown, token?: string): Promise<Answer<T>>;
  verb(verb: string, body?: object): Promise<Answer<VerbResponse & Problem>>;
  slice(): Promise<SliceStatus>;
  journal(): Promise<readonly JournalEntry[]>;
  /** Ticks until `isDone`; the clock goes on by `stepMs` each time. Fails after 50 ticks. */
  tickUntil(isDone: () => Promise<boolean> | boolean, stepMs?: number): Promise<void>;
  /** The slice copied, caught up and verified. */
  toSyncedCopy(): Promise<void>;
  close(): Promise<void>;
}

/** Gives what is left out a fake. A store given is not closed. */
export async function startTestControl(
  given: {
    readonly store?: MemoryStore;
    readonly feed?: FakeFeed;
    readonly clock?: ManualClock;
    readonly slices?: readonly SliceDefinition[];
    readonly outboxTable?: string;
    /** What the configuration says besides its slices. */
    readonly settings?: Omit<BanyanConfig, 'slices'>;
  } = {},
): Promise<TestControl> {
  const clock = given.clock ?? createManualClock();
  const feed = given.feed ?? createFakeFeed(clock);
  const store = given.store ?? createMemoryStore();
  const slices = given.slices ?? [createTestSlice()];
  const service = { url: 'http://127.0.0.1:4001', copy: feed.copy };
  const control = await createControl({
    config: parseBanyanConfig({ slices, ...given.settings }),
    services: Object.fromEntries(slices.map(({ name }) => [name, service])),
    store,
    clock,
    database: feed.source,
    feed: feed.source,
    bus: feed.bus,
    history: feed.bus,
    tableSnapshots: feed.tableSnapshots,
    caughtUp: feed.caughtUp,
    rowReread: feed.rowReread,
    verify: feed.verify,
    topicPrefix: 'shop',
    slot: 'banyan',
    outboxTable: given.outboxTable,
    monolithUpstreams: ['http://127.0.0.1:3000', 'http://127.0.0.1:3001'],
    gateGraceMs: GRACE_MS,
    caughtUpGapMs: 0,
    port: 0,
    log: silentLogger,
    adminToken: ADMIN_TOKEN,
    peerToken: PEER_TOKEN,
  });
  const call = async <T>(path: string, token: string, init: RequestInit = {}): Promise<Answer<T>> => {
    const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
    const response = await fetch(`${control.url}${path}`, { headers, ...init });
    const text = await response.text();
    return { status: response.status, body: (text ? JSON.parse(text) : null) as T };
  };
  const test: TestControl = {
    control,
    feed,
    clock,
    store,
    get: (path, token = ADMIN_TOKEN) => call(path, token),
    post: (path, body, token = ADMIN_TOKEN) =>
      call(path, token, { method: 'POST', body: JSON.stringify(body) }),
    verb: (verb, body = {}) => test.post(`/v1/slices/reviews/${verb}`, { by: 'tester', ...body }),
    slice: async () => (await test.get<SliceStatus>('/v1/slices/reviews')).body,
    journal: async () => (await test.get<{ entries: JournalEntry[] }>('/v1/journal')).body.entries,
    async tickUntil(isDone, stepMs = 1_000) {
      for (let ticks = 0; !(await isDone()); ticks += 1) {
        if (ticks === 50)
          throw new Error(`not reached in 50 ticks: ${JSON.stringify(await test.slice(), null, 2)}`);
        clock.advance(stepMs);
        await control.tick();
      }
    },
    async toSyncedCopy() {
      await test.verb('advance');
      await test.tickUntil(() => feed.calls.some((call_) => call_.startsWith('requestTableSnapshot')));
      feed.completeSnapshot();
      await test.tickUntil(async () => (await test.slice()).verification !== null);
    },
    close: () => control.close(),
  };
  return test;
}

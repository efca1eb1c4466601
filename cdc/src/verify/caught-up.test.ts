import { describe, expect, test } from '@jest/globals';
import { controlRecordKey, type SyncReport } from '@banyan/contracts';
import type { Bus, BusRecord, SourceLog } from '../bus/bus.ts';
import { createMemoryBus } from '../../testing/beds/memory-bus.ts';
import { notesSlice, notesTopic } from '../../testing/beds/consumer-test-bed.ts';
import type { FeedMark } from '../capture/feed/feed-history.ts';
import type { SlotStatus } from '../capture/feed/monolith-database.ts';
import type { PostgresSource } from '../capture/feed/postgres-source.ts';
import type { ServiceCopy } from './service-client/copy.ts';
import { createCaughtUp } from './caught-up.ts';

const refuse = (): never => {
  throw new Error('not asked in these tests');
};
const slot: SlotStatus = {
  exists: true,
  active: true,
  confirmedFlushLsn: '0/0',
  retainedWalBytes: 0,
  walStatus: 'reserved',
};

/** A feed whose every step is written down, and whose slot and copy the test moves. */
function createFeed(): {
  steps: string[];
  slot: SlotStatus;
  quarantined: number;
  meets: boolean;
  copyFails: boolean;
  partitions: number[];
  barriers: string[];
  lost: boolean;
  membership: string;
  /** What the bus knows of the feed; null for a source without. */
  log: Pick<SourceLog, 'sourcePosition'> | null;
  mark: FeedMark | undefined;
  /** Called when the service is asked for the barrier. */
  onMet: () => Promise<unknown>;
  wait: (timeoutMs?: number, slice?: typeof notesSlice) => Promise<{ position: string }>;
} {
  const appended: BusRecord[] = [];
  const bus: Pick<Bus, 'append' | 'partitions'> = {
    partitions: () => Promise.resolve(feed.partitions),
    append(records) {
      feed.steps.push('barrier');
      feed.barriers.push(...records.map(({ topic, partition }) => `${topic} ${partition ?? 'any'}`));
      appended.push(...records);
      return Promise.resolve();
    },
  };
  const source: PostgresSource = {
    ensureTables: refuse,
    carryOnly: refuse,
    removeTables: refuse,
    describeTables: refuse,
    catalogMark: () => Promise.resolve({}),
    openTransactions: () => Promise.resolve([]),
    removeUnwritable: () => Promise.resolve([]),
    feedMembership: () => Promise.resolve(feed.membership),
    requestTableSnapshot: refuse,
    stopTableSnapshots: refuse,
    readRows: refuse,
    walRetention: refuse,
    readPage: refuse,
    close: () => Promise.resolve(),
    takePosition() {
      feed.steps.push('position');
      return Promise.resolve('A/10');
    },
    slotStatus() {
      feed.steps.push('slot');
      return Promise.resolve(feed.slot);
    },
  };
  const copy: ServiceCopy = {
    pieces: refuse,
    rows: refuse,
    async metTopics(id) {
      feed.steps.push('met');
      await feed.onMet();
      if (feed.copyFails) throw new Error('service is away');
      const met = appended.filter(
        ({ headers, key }) => headers['id'] === id && key === controlRecordKey('barrier'),
      );
      return feed.meets ? met.map(({ topic }) => topic) : [];
    },
    sync() {
      feed.steps.push('sync');
      const table = {
        source: 'public.notes',
        target: 'note',
        topic: notesTopic,
        nextOffset: 1,
        appliedRows: 1,
      };
      return Promise.resolve({
        tables: [{ ...table, quarantined: feed.quarantined, lost: feed.lost }],
      } as unknown as SyncReport);
    },
  };
  const feed = {
    steps: [] as string[],
    slot,
    quarantined: 0,
    meets: true,
    copyFails: false,
    partitions: [0],
    barriers: [] as string[],
    lost: false,
    membership: 'public.notes=1/2',
    log: null as Pick<SourceLog, 'sourcePosition'> | null,
    mark: undefined as FeedMark | undefined,
    onMet: (): Promise<unknown> => Promise.resolve(),
    wait: (timeoutMs = 10_000, slice = notesSlice) =>
      createCaughtUp({
        source,
        bus,
        prefix: 'shop',
        ...(feed.log ? { feed: { log: feed.log, slot: 'slot' } } : {}),
      }).wait({
        slice,
        copy,
        markOf: () => Promise.resolve(feed.mark ?? null),
        signal: AbortSignal.timeout(timeoutMs),
      }),
  };
  return feed;
}

describe('waiting until a copy is caught up', () => {
  test('a barrier is put on each partition of a topic', async () => {
    const feed = createFeed();
    feed.slot = { ...slot, confirmedFlushLsn: 'A/10' };
    feed.partitions = [0, 1, 2];
    await feed.wait();
    expect(feed.barriers).toEqual([0, 1, 2].map((partition) => `${notesTopic} ${partition}`));
  });

  test('takes the position, waits for the slot, sends a barrier and waits until it is met, in this order', async () => {
    const feed = createFeed();
    feed.slot = { ...slot, confirmedFlushLsn: 'A/10' };
    expect(await feed.wait()).toEqual({ position: 'A/10' });
    expect(feed.steps).toEqual(['position', 'slot', 'barrier', 'met', 'sync']);
  });

  test('sends no barrier before the slot has passed the position, compared as numbers', async () => {
    const feed = createFeed();
    feed.slot = { ...slot, confirmedFlushLsn: '9/FFFFFFFF' };
    const waiting = feed.wait();
    while (feed.steps.filter((step) => step === 'slot').length < 3) await new Promise(setImmediate);
    expect(feed.steps).not.toContain('barrier');
    feed.slot = { ...slot, confirmedFlushLsn: '10/0' };
    await waiting;
    expect(feed.steps.filter((step) => step === 'barrier')).toHaveLength(1);
  });

  test('goes on through a service that restarts', async () => {
    const feed = createFeed();
    feed.slot = { ...slot, confirmedFlushLsn: 'A/10' };
    feed.copyFails = true;
    const waiting = feed.wait();
    while (feed.steps.filter((step) => step === 'met').length < 2) await new Promise(setImmediate);
    feed.copyFails = false;
    expect(await waiting).toEqual({ position: 'A/10' });
  });

  test('of a slice without tables is over once the slot has passed', async () => {
    const feed = createFeed();
    feed.slot = { ...slot, confirmedFlushLsn: 'A/10' };
    await feed.wait(10_000, { ...notesSlice, tables: [] });
    expect(feed.steps).toEqual(['position', 'slot']);
  });
});

describe('when it takes too long, the error says what is missing:', () => {
  test.each<[string, (feed: ReturnType<typeof createFeed>) => void, RegExp]>([
    [
      'the slot',
      (feed) => (feed.slot = { ...slot, exists: false, confirmedFlushLsn: null }),
      /slot does not exist/,
    ],
    ['the feed', () => undefined, /stored up to 0\/0, wanted A\/10 \(a reader is connected\)/],
    [
      'a reader',
      (feed) => (feed.slot = { ...slot, active: false }),
      /stored up to 0\/0, wanted A\/10 \(no reader is connected\)/,
    ],
    [
      'a barrier',
      (feed) => {
        feed.slot = { ...slot, confirmedFlushLsn: 'B/0' };
        feed.meets = false;
      },
      /has not met the barrier on shop\.public\.notes/,
    ],
    [
      'the service',
      (feed) => {
        feed.slot = { ...slot, confirmedFlushLsn: 'B/0' };
        feed.copyFails = true;
      },
      /service is away/,
    ],
  ])('%s', async (_, arrange, message) => {
    const feed = createFeed();
    arrange(feed);
    const waiting = feed.wait(60);
    await expect(waiting).rejects.toMatchObject({ code: 'not-caught-up' });
    await expect(waiting).rejects.toThrow(message);
  });
});

describe('what waiting cannot mend ends it at once:', () => {
  test('events in quarantine', async () => {
    const feed = createFeed();
    feed.slot = { ...slot, confirmedFlushLsn: 'B/0' };
    feed.quarantined = 3;
    const waiting = feed.wait();
    await expect(waiting).rejects.toMatchObject({ code: 'copy-quarantined' });
    await expect(waiting).rejects.toThrow('3 of public.notes');
  });

  test('records that the copy missed', async () => {
    const feed = createFeed();
    feed.slot = { ...slot, confirmedFlushLsn: 'B/0' };
    feed.lost = true;
    const waiting = feed.wait();
    await expect(waiting).rejects.toMatchObject({ code: 'copy-lost' });
    await expect(waiting).rejects.toThrow('the copy of public.notes');
  });

  test('a slot that has lost WAL', async () => {
    const feed = createFeed();
    feed.slot = { ...slot, walStatus: 'lost' };
    await expect(feed.wait()).rejects.toMatchObject({ code: 'slot-lost' });
  });
});

describe('two feeds are never one:', () => {
  const server = { systemId: '7', timeline: 1 };
  /** A feed that has stored everything up to the position and beyond. */
  async function createStored(): Promise<{
    feed: ReturnType<typeof createFeed>;
    beginAnew: () => Promise<void>;
  }> {
    const log = createMemoryBus();
    await log.takeOver('slot', { ...server, lsn: 0xbn << 32n });
    const feed = createFeed();
    feed.slot = { ...slot, confirmedFlushLsn: 'B/0' };
    feed.log = log;
    return {
      feed,
      async beginAnew() {
        const lsn = 0xcn << 32n;
        const { epoch } = await log.takeOver('slot', {
          ...server,
          lsn,
          anew: { step: 'announce', reason: 'restored' },
        });
        await log.takeOver('slot', { ...server, lsn, anew: { step: 'begin', epoch, reason: 'restored' } });
      },
    };
  }
  const mark: FeedMark = { incarnation: 1, beganAtMs: null, membership: 'public.notes=1/2' };

  test('one feed all the time is caught up', async () => {
    const { feed } = await createStored();
    expect(await feed.wait()).toEqual({ position: 'A/10' });
    feed.mark = mark;
    expect(await feed.wait()).toEqual({ position: 'A/10' });
  });

  test('a copy of an older incarnation is not', async () => {
    const { feed, beginAnew } = await createStored();
    feed.mark = mark;
    await beginAnew();
    await expect(feed.wait()).rejects.toMatchObject({ code: 'feed-began-anew' });
  });

  test('a feed that begins anew after the barrier was sent is not', async () => {
    const { feed, beginAnew } = await createStored();
    feed.onMet = beginAnew;
    await expect(feed.wait()).rejects.toMatchObject({ code: 'feed-began-anew' });
  });

  test('a feed that has announced to begin anew is not', async () => {
    const { feed } = await createStored();
    feed.mark = mark;
    const announced = { ...server, lsn: 1n, anew: { step: 'announce', reason: 'restored' } } as const;
    await (feed.log as SourceLog).takeOver('slot', announced);
    await expect(feed.wait()).rejects.toMatchObject({ code: 'feed-began-anew' });
  });

  test('a table that was taken out of the feed and put in again is not', async () => {
    const { feed } = await createStored();
    feed.onMet = () => Promise.resolve((feed.membership = 'public.notes=1/3'));
    await expect(feed.wait()).rejects.toMatchObject({ code: 'feed-began-anew' });
  });

  test('a slot that somebody moved beyond what is stored is not', async () => {
    const { feed } = await createStored();
    const log = createMemoryBus();
    await log.takeOver('slot', { ...server, lsn: 1n });
    feed.log = log;
    await expect(feed.wait(60)).rejects.toThrow('the feed has stored less than A/10');
  });

  test('a copy that has lost records is not', async () => {
    const { feed } = await createStored();
    feed.lost = true;
    await expect(feed.wait()).rejects.toMatchObject({ code: 'copy-lost' });
  });
});

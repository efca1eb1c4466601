import type {
  CaughtUp,
  ControlBus,
  FeedHistory,
  RowReread,
  Source,
  TableSnapshots,
  Verify,
} from './ports.ts';

/** Asked for by something that only slices with tables need. */
export class NoFeedError extends Error {
  readonly code = 'no-feed';
  override readonly name = 'NoFeedError';

  constructor() {
    super('There is no feed: no slice copies a table, and SOURCE_URL is not set.');
  }
}

export interface FeedParts {
  readonly source: Source;
  readonly bus: ControlBus;
  readonly history: FeedHistory;
  readonly tableSnapshots: TableSnapshots;
  readonly caughtUp: CaughtUp;
  readonly rowReread: RowReread;
  readonly verify: Verify;
}

/** In the place of a feed, where no slice copies a table. */
export function noFeed(): FeedParts {
  const none = (): Promise<never> => Promise.reject(new NoFeedError());
  return {
    source: {
      ensureTables: none,
      carryOnly: () => Promise.resolve(), // nothing leaves the database anyway
      removeTables: none,
      removeUnwritable: () => Promise.resolve([]),
      catalogMark: none,
      openTransactions: () => Promise.resolve([]),
      feedMembership: none,
      describeTables: none,
      requestTableSnapshot: none,
      stopTableSnapshots: none,
      readRows: none,
      takePosition: none,
      slotStatus: none,
      readPage: none,
      walRetention: none,
      close: () => Promise.resolve(),
    },
    bus: {
      append: none,
      release: () => Promise.resolve(),
      topics: () => Promise.resolve([]),
      groups: () => Promise.resolve([]),
      usage: () => Promise.resolve({ bytes: null, maxBytes: null, warnBytes: null }),
      read: none,
      starts: () => Promise.resolve([]),
      ends: () => Promise.resolve([]),
    },
    history: { sourcePosition: () => Promise.resolve(null) },
    tableSnapshots: { progress: () => null, open: () => [] },
    caughtUp: { wait: none },
    rowReread: { readAgain: none },
    verify: none,
  };
}

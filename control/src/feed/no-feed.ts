import { ControlError } from '../control-error.ts';
import type { FeedParts } from './ports.ts';

/** Asked for by something that only slices with tables need. */
export class NoFeedError extends ControlError<'no-feed'> {
  constructor() {
    super('refused', 'no-feed', 'There is no feed: no slice copies a table, and SOURCE_URL is not set.', {
      nextSteps: ['banyan up # once banyan.config.ts has a source: { url }'],
    });
  }
}

/** In the place of a feed, where no slice copies a table. */
export function noFeed(): FeedParts {
  const none = (): Promise<never> => Promise.reject(new NoFeedError());
  return {
    database: {
      readPage: none,
      catalogMark: none,
      openTransactions: () => Promise.resolve([]),
      walRetention: none,
      slotStatus: none,
      feedMembership: none,
      removeUnwritable: () => Promise.resolve([]),
    },
    feed: {
      describeTables: none,
      ensureTables: none,
      carryOnly: () => Promise.resolve(), // nothing leaves the database anyway
      removeTables: none,
      requestTableSnapshot: none,
      stopTableSnapshots: none,
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
    rowReread: { readHeld: none },
  };
}

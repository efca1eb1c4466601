import { setTimeout as delay } from 'node:timers/promises';
import { parseLsn } from '../rows/lsn.ts';
import type { FeedHistory, FeedMark, FeedPosition } from '../capture/feed/feed-history.ts';
import type { Lsn } from '../capture/feed/monolith-database.ts';
import type { PostgresSource } from '../capture/feed/postgres-source.ts';
import type { CarriedTable } from '../capture/feed/table-feed.ts';
import { NotCaughtUpError } from './not-caught-up-error.ts';

const FIRST_POLL_MS = 5;
const LAST_POLL_MS = 100;

/** Who knows where the feed stands, and under which name. */
export interface KnownFeed {
  readonly log: FeedHistory;
  readonly slot: string;
}

/**
 * Waits until everything that was committed before a position is stored on the bus.
 *
 * @param options.expected The feed that it has to be stored by; null, or without `feed`, for any.
 * @throws NotCaughtUpError
 */
export async function waitUntilStored(options: {
  readonly source: Pick<PostgresSource, 'slotStatus'>;
  readonly feed: KnownFeed | undefined;
  readonly expected: FeedMark | null;
  readonly position: Lsn;
  readonly signal: AbortSignal;
}): Promise<void> {
  const { source, feed, expected, position, signal } = options;
  await waitUntil(signal, async () => {
    const missing = await missingOnBus(source, position, signal);
    if (missing !== null || !feed || !expected) return missing;
    return missingInFeed(await feed.log.sourcePosition(feed.slot), position, expected);
  });
}

/** Unknown is not other. */
export function isOther<T>(a: T | null, b: T | null): boolean {
  return a !== null && b !== null && a !== b;
}

export function beganAnew({ incarnation }: FeedMark): NotCaughtUpError {
  const message = `The feed began anew after incarnation ${incarnation}; the copy needs a new table snapshot.`;
  return new NotCaughtUpError('feed-began-anew', message);
}

/**
 * Which feed the tables are in now.
 *
 * @throws Error when there is none that rows can be asked of: no reader ran yet, or the feed is just beginning anew.
 */
export async function markOf(options: {
  readonly source: Pick<PostgresSource, 'feedMembership'>;
  readonly feed: KnownFeed;
  readonly tables: readonly CarriedTable[];
  readonly signal: AbortSignal;
}): Promise<FeedMark> {
  const { source, feed, tables, signal } = options;
  const position = await feed.log.sourcePosition(feed.slot);
  if (!position) throw new Error('the feed has not begun yet: no reader ever stored a position');
  if (position.anewReason !== null) throw new Error(`the feed is beginning anew: ${position.anewReason}`);
  const { incarnation, incarnationAtMs: beganAtMs } = position;
  return { incarnation, beganAtMs, membership: await source.feedMembership(tables, signal) };
}

/** @returns What is missing, for people; null when nothing is. */
function missingInFeed(stored: FeedPosition | null, position: Lsn, expected: FeedMark): string | null {
  if (!stored) return 'the bus holds no position of the feed';
  if (stored.incarnation !== expected.incarnation || stored.anewReason !== null) throw beganAnew(expected);
  // A slot alone may have been made anew beyond the position: what counts is what is stored.
  return stored.lsn !== null && stored.lsn >= parseLsn(position)
    ? null
    : `the feed has stored less than ${position}`;
}

/** @returns What is missing, for people; null when nothing is. */
async function missingOnBus(
  source: Pick<PostgresSource, 'slotStatus'>,
  position: Lsn,
  signal: AbortSignal,
): Promise<string | null> {
  const slot = await source.slotStatus(signal);
  if (slot.walStatus === 'lost') {
    throw new NotCaughtUpError(
      'slot-lost',
      'The replication slot has lost WAL; take a new table snapshot: banyan resync SLICE --reason "...".',
    );
  }
  if (slot.confirmedFlushLsn !== null && parseLsn(slot.confirmedFlushLsn) >= parseLsn(position)) return null;
  const reader = slot.active ? 'a reader is connected' : 'no reader is connected';
  return slot.exists
    ? `the feed has stored up to ${slot.confirmedFlushLsn ?? 'nowhere'}, wanted ${position} (${reader})`
    : 'the replication slot does not exist yet';
}

/** Asks, ever less often, until nothing is missing. A failed question counts as missing: whoever restarts comes back. */
export async function waitUntil(signal: AbortSignal, missing: () => Promise<string | null>): Promise<void> {
  let last = 'it was not asked yet';
  for (let pollMs = FIRST_POLL_MS; !signal.aborted; pollMs = Math.min(LAST_POLL_MS, pollMs * 1.5)) {
    try {
      const answer = await missing();
      if (answer === null) return;
      last = answer;
    } catch (cause) {
      if (cause instanceof NotCaughtUpError) throw cause;
      last = cause instanceof Error ? cause.message : String(cause);
    }
    await delay(pollMs, undefined, { signal }).catch(() => {
      // aborted: the loop sees it
    });
  }
  throw new NotCaughtUpError('not-caught-up', `Not caught up in time: ${last}.`, { cause: signal.reason });
}

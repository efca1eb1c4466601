import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { controlRecordKey, tableTopic, type SliceDefinition } from '@banyan/contracts';
import type { Bus } from '../bus/bus.ts';
import { parseLsn } from '../source/lsn.ts';
import type { FeedHistory, FeedMark, FeedPosition, Lsn, Source } from '../source/source.ts';
import type { ServiceCopy } from '../verify/copy.ts';

const FIRST_POLL_MS = 5;
const LAST_POLL_MS = 100;

export type NotCaughtUpCode =
  /** The signal ended the wait; the message says what was still missing. */
  | 'not-caught-up'
  /** Events are in quarantine: waiting longer does not help. */
  | 'copy-quarantined'
  /** PostgreSQL has thrown away WAL that the slot needed: only a new table snapshot helps. */
  | 'slot-lost'
  /** The feed is another than the copy's, or became another during the wait: only a new table snapshot helps. */
  | 'feed-began-anew'
  /** Records are gone from the bus that the copy had not applied: only a new table snapshot helps. */
  | 'copy-lost';

/** The copy is not known to hold everything up to the position. */
export class NotCaughtUpError extends Error {
  readonly code: NotCaughtUpCode;
  override readonly name = 'NotCaughtUpError';

  constructor(code: NotCaughtUpCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

export interface CaughtUp {
  /**
   * Takes a position now, and resolves once the service's copy has applied everything before it.
   *
   * Never succeeds when the feed began anew since the copy's table snapshot was asked for, or before the end of the wait.
   *
   * @param options.signal Ends the wait; there is no other limit.
   * @returns The position, e.g. `0/16B3748`.
   * @throws NotCaughtUpError; the source's own error when no position could be taken.
   */
  wait(options: {
    readonly slice: SliceDefinition;
    readonly copy: ServiceCopy;
    /** The feed that the copy is of. Default, and when null: the one at the beginning of the wait. */
    readonly markOf?: () => Promise<FeedMark | null>;
    readonly signal: AbortSignal;
  }): Promise<{ readonly position: Lsn }>;
}

/** "Caught up" by a barrier on the bus: no offset arithmetic, right on an idle source and on every bus. */
export function createCaughtUp(options: {
  readonly source: Source;
  readonly bus: Pick<Bus, 'append' | 'partitions'>;
  /** Topic prefix of the source, e.g. `shop`. */
  readonly prefix: string;
  /** Who knows where the feed stands, and under which name. Without it one feed is not told from another. */
  readonly feed?: { readonly log: FeedHistory; readonly slot: string };
}): CaughtUp {
  const { source, bus, prefix, feed } = options;
  return {
    async wait({ slice, copy, markOf: ofCopy, signal }) {
      const topics = slice.tables.map((table) => tableTopic(prefix, table.source));
      const tables = slice.tables.map((table) => table.source);
      // 0. Which feed it is, unless the caller knows better.
      const expected = feed ? ((await ofCopy?.()) ?? (await markOf({ source, feed, tables, signal }))) : null;
      // 1. A position that the feed is sure to reach, after everything that the caller has seen committed.
      const position = await source.takePosition(signal);
      // 2. Everything before it is stored on the bus.
      await waitUntil(signal, async () => {
        const missing = await missingOnBus(source, position, signal);
        if (missing !== null || !feed || !expected) return missing;
        return missingInFeed(await feed.log.sourcePosition(feed.slot), position, expected);
      });
      if (topics.length === 0) return { position };
      // 3. A barrier behind it, on each partition of each topic.
      const id = randomUUID();
      const barrier = { key: controlRecordKey('barrier'), headers: { id }, value: null };
      for (const topic of topics) {
        const partitions = await bus.partitions(topic);
        await bus.append(
          partitions.map((partition) => ({ ...barrier, topic, partition })),
          signal,
        );
      }
      // 4. The consumer has applied all before the barrier, with nothing kept aside.
      await waitUntil(signal, () => missingInCopy({ copy, topics, id, signal }));
      // 5. It was one feed all the time: neither its incarnation nor its tables ever come back once they have changed, so
      // what holds now held at 1.
      if (feed && expected) {
        await waitUntil(signal, async () => {
          const now = await markOf({ source, feed, tables, signal });
          if (now.incarnation !== expected.incarnation || isOther(now.beganAtMs, expected.beganAtMs)) {
            throw beganAnew(expected);
          }
          if (isOther(now.membership, expected.membership)) {
            const message = `Tables were taken out of the feed, or made anew: ${now.membership ?? ''}.`;
            throw new NotCaughtUpError('feed-began-anew', message);
          }
          return null;
        });
      }
      return { position };
    },
  };
}

/** Unknown is not other. */
function isOther<T>(a: T | null, b: T | null): boolean {
  return a !== null && b !== null && a !== b;
}

function beganAnew({ incarnation }: FeedMark): NotCaughtUpError {
  const message = `The feed began anew after incarnation ${incarnation}; the copy needs a new table snapshot.`;
  return new NotCaughtUpError('feed-began-anew', message);
}

/**
 * Which feed the tables are in now.
 *
 * @throws Error when there is none that rows can be asked of: no reader ran yet, or the feed is just beginning anew.
 */
export async function markOf(options: {
  readonly source: Pick<Source, 'feedMembership'>;
  readonly feed: { readonly log: FeedHistory; readonly slot: string };
  /** `schema.table` */
  readonly tables: readonly string[];
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
async function missingOnBus(source: Source, position: Lsn, signal: AbortSignal): Promise<string | null> {
  const slot = await source.slotStatus(signal);
  if (slot.walStatus === 'lost') {
    throw new NotCaughtUpError('slot-lost', 'The replication slot has lost WAL; take a new table snapshot.');
  }
  if (slot.confirmedFlushLsn !== null && parseLsn(slot.confirmedFlushLsn) >= parseLsn(position)) return null;
  const reader = slot.active ? 'a reader is connected' : 'no reader is connected';
  return slot.exists
    ? `the feed has stored up to ${slot.confirmedFlushLsn ?? 'nowhere'}, wanted ${position} (${reader})`
    : 'the replication slot does not exist yet';
}

async function missingInCopy(options: {
  readonly copy: ServiceCopy;
  readonly topics: readonly string[];
  readonly id: string;
  readonly signal: AbortSignal;
}): Promise<string | null> {
  const { copy, topics, id, signal } = options;
  const met = await copy.metTopics(id, signal);
  const missing = topics.filter((topic) => !met.includes(topic));
  if (missing.length > 0) return `the service has not met the barrier on ${missing.join(', ')}`;
  // After the barrier was met: what came before it is applied or in quarantine by now.
  const report = await copy.sync(signal);
  const lost = report.tables.filter((table) => topics.includes(table.topic) && table.lost);
  if (lost.length > 0) {
    const names = lost.map((table) => table.source).join(', ');
    throw new NotCaughtUpError(
      'copy-lost',
      `Records that the copy of ${names} needed are gone from the bus; take a new table snapshot.`,
    );
  }
  const held = report.tables.filter(({ topic, quarantined }) => topics.includes(topic) && quarantined > 0);
  if (held.length > 0) {
    const counts = held.map(({ source, quarantined }) => `${quarantined} of ${source}`).join(', ');
    throw new NotCaughtUpError('copy-quarantined', `The service holds events in quarantine: ${counts}.`);
  }
  return null;
}

/** Asks, ever less often, until nothing is missing. A failed question counts as missing: whoever restarts comes back. */
async function waitUntil(signal: AbortSignal, missing: () => Promise<string | null>): Promise<void> {
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

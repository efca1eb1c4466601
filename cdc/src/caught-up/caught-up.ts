import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { controlRecordKey, tableTopic, type SliceDefinition } from '@banyan/contracts';
import type { Bus } from '../bus/bus.ts';
import { parseLsn } from '../source/lsn.ts';
import { SourceTableError } from '../source/source-table-error.ts';
import type { Lsn, Source } from '../source/source.ts';
import type { ServiceCopy } from '../verify/copy.ts';

const FIRST_POLL_MS = 5;
const LAST_POLL_MS = 100;

export type NotCaughtUpCode =
  /** The signal ended the wait; the message says what was still missing. */
  | 'not-caught-up'
  /** Events are in quarantine: waiting longer does not help. */
  | 'copy-quarantined'
  /** A table is not the one that the feed carries (dropped and made again, renamed): its copy hears nothing. */
  | 'table-not-in-feed'
  /** PostgreSQL has thrown away WAL that the slot needed: only a new table snapshot helps. */
  | 'slot-lost';

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
   * @param options.signal Ends the wait; there is no other limit.
   * @returns The position, e.g. `0/16B3748`.
   * @throws NotCaughtUpError; the source's own error when no position could be taken.
   */
  wait(options: {
    readonly slice: SliceDefinition;
    readonly copy: ServiceCopy;
    readonly signal: AbortSignal;
  }): Promise<{ readonly position: Lsn }>;
}

/** "Caught up" by a barrier on the bus: no offset arithmetic, right on an idle source and on every bus. */
export function createCaughtUp(options: {
  readonly source: Source;
  readonly bus: Bus;
  /** Topic prefix of the source, e.g. `shop`. */
  readonly prefix: string;
}): CaughtUp {
  const { source, bus, prefix } = options;
  return {
    async wait({ slice, copy, signal }) {
      const topics = slice.tables.map((table) => tableTopic(prefix, table.source));
      // 1. A position that the feed is sure to reach, after everything that the caller has seen committed.
      const position = await source.takePosition(signal);
      await requireInFeed(source, slice, signal);
      // 2. Everything before it is stored on the bus.
      await waitUntil(signal, () => missingOnBus(source, position, signal));
      if (topics.length === 0) return { position };
      // 3. A barrier behind it, on each topic. (One partition a topic; a bus with several needs one on each.)
      const id = randomUUID();
      await bus.append(
        topics.map((topic) => ({ topic, key: controlRecordKey('barrier'), headers: { id }, value: null })),
        signal,
      );
      // 4. The consumer has applied all before the barrier, with nothing kept aside.
      await waitUntil(signal, () => missingInCopy({ copy, topics, id, signal }));
      return { position };
    },
  };
}

/** A table that left the feed would look caught up for ever: nothing of it comes any more. */
async function requireInFeed(source: Source, slice: SliceDefinition, signal: AbortSignal): Promise<void> {
  try {
    await source.requireInFeed(
      slice.tables.map((table) => table.source),
      signal,
    );
  } catch (cause) {
    if (!(cause instanceof SourceTableError)) throw cause;
    throw new NotCaughtUpError('table-not-in-feed', cause.message, { cause });
  }
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

import { randomUUID } from 'node:crypto';
import { controlRecordKey, tableTopic, type SliceDefinition } from '@banyan/contracts';
import type { Bus } from '../bus/bus.ts';
import { carriedTables } from '../capture/feed/carried-tables.ts';
import type { FeedMark } from '../capture/feed/feed-history.ts';
import type { Lsn } from '../capture/feed/monolith-database.ts';
import type { PostgresSource } from '../capture/feed/postgres-source.ts';
import type { ServiceCopy } from './service-client/copy.ts';
import { NotCaughtUpError } from './not-caught-up-error.ts';
import { beganAnew, isOther, markOf, waitUntil, waitUntilStored, type KnownFeed } from './stored-on-bus.ts';

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
  readonly source: PostgresSource;
  readonly bus: Pick<Bus, 'append' | 'partitions'>;
  /** Topic prefix of the source, e.g. `shop`. */
  readonly prefix: string;
  /** Who knows where the feed stands, and under which name. Without it one feed is not told from another. */
  readonly feed?: KnownFeed;
}): CaughtUp {
  const { source, bus, prefix, feed } = options;
  return {
    async wait({ slice, copy, markOf: ofCopy, signal }) {
      const topics = slice.tables.map((table) => tableTopic(prefix, table.source));
      const tables = carriedTables([slice]);
      // 0. Which feed it is, unless the caller knows better.
      const expected = feed ? ((await ofCopy?.()) ?? (await markOf({ source, feed, tables, signal }))) : null;
      // 1. A position that the feed is sure to reach, after everything that the caller has seen committed.
      const position = await source.takePosition(signal);
      // 2. Everything before it is stored on the bus.
      await waitUntilStored({ source, feed, expected, position, signal });
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
            const message = `Tables or columns were taken out of the feed, or made anew: ${now.membership ?? ''}.`;
            throw new NotCaughtUpError('feed-began-anew', message);
          }
          return null;
        });
      }
      return { position };
    },
  };
}

/** @returns What is missing, for people; null when nothing is. */
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
      `Records that the copy of ${names} needed are gone from the bus; take a new table snapshot: banyan resync SLICE --reason "...".`,
    );
  }
  const held = report.tables.filter(({ topic, quarantined }) => topics.includes(topic) && quarantined > 0);
  if (held.length > 0) {
    const counts = held.map(({ source, quarantined }) => `${quarantined} of ${source}`).join(', ');
    throw new NotCaughtUpError('copy-quarantined', `The service holds events in quarantine: ${counts}.`);
  }
  return null;
}

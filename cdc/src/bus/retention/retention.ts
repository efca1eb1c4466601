import type { Bus, GroupStatus, StoredRecord, TopicStatus } from '../bus.ts';

/** How long records of one topic are kept. Whatever it says, a bus that is full may delete more. */
export type Retention =
  /**
   * Until every group of the topic has applied them, and `appliedMs` longer (0: no longer) for people who look, as long
   * as they take little room. A topic that no group reads (a table taken out of the feed, or only groups that are lost)
   * keeps them for `unreadMs`.
   */
  | { readonly kind: 'until-applied'; readonly appliedMs: number; readonly unreadMs: number }
  /** For a time, whoever has read them. */
  | { readonly kind: 'for-a-time'; readonly maxAgeMs: number }
  /**
   * For good, but for what later records have made superfluous, once it is older than `minAgeMs`: a topic that is read
   * from its beginning to learn how things stand.
   */
  | {
      readonly kind: 'superseded';
      readonly minAgeMs: number;
      /** Offsets without which the topic says the same. Gets all its records. */
      readonly find: (records: readonly StoredRecord[]) => readonly number[];
    };

/** Retention of a topic, by its name. */
export type RetentionOf = (topic: string) => Retention;

const UNREAD_MS = 3_600_000;

/**
 * Tables' topics until they are applied (an hour without a group), and what is given for other topics.
 *
 * @param options.appliedMs How much longer, milliseconds.
 */
export function createRetention(options: {
  readonly appliedMs: number;
  readonly others: Readonly<Record<string, Retention>>;
}): RetentionOf {
  const tables: Retention = { kind: 'until-applied', appliedMs: options.appliedMs, unreadMs: UNREAD_MS };
  return (topic) => options.others[topic] ?? tables;
}

/** Does any group that is not lost there read the topic? */
export function isRead(topic: string, groups: readonly GroupStatus[]): boolean {
  return groups.some(({ topics }) => topics.some((place) => place.topic === topic && !place.lost));
}

/** Every record of a topic, however long it is. */
export async function readWhole(
  bus: Pick<Bus, 'read'>,
  { topic, firstOffset, nextOffset }: TopicStatus,
): Promise<readonly StoredRecord[]> {
  const found: StoredRecord[] = [];
  for (let from = firstOffset; from < nextOffset;) {
    const page = await bus.read({ topic, partition: 0, nextOffset: from }, 1_000);
    found.push(...page);
    const last = page.at(-1);
    if (!last) break;
    from = last.offset + 1;
  }
  return found;
}

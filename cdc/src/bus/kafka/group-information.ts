import { setTimeout as delay } from 'node:timers/promises';
import type { Admin, Kafka } from 'kafkajs';
import type { GroupStatus, GroupTopic, TopicPosition } from '../bus.ts';
import { BusUnreachableError } from '../bus-errors.ts';
import type { TopicCatalog } from './topic-catalog.ts';

const TIMEOUT_MS = 15_000;
/**
 * A member that was killed holds its group up for so long: the shortest time that brokers take by default, and below our
 * patience. With kafkajs's 30 s each attempt that gave up left another such member.
 */
const SESSION_TIMEOUT_MS = 6_000;
const HEARTBEAT_INTERVAL_MS = 1_000;
const CLOSE_TIMEOUT_MS = 1_000;
const MAX_WAIT_MS = 50;
/** Goes with each position: by it our groups are told from others', and their age from it. */
const MARK = /^banyan at (\d+)$/;

interface GroupsParts {
  readonly kafka: Kafka;
  readonly catalog: TopicCatalog;
}

/**
 * How far groups have applied, kept by Kafka: for people and their tools alone. What counts is in the services' stores.
 */
export class GroupInformation {
  readonly #kafka: Kafka;
  readonly #catalog: TopicCatalog;

  constructor({ kafka, catalog }: GroupsParts) {
    this.#kafka = kafka;
    this.#catalog = catalog;
  }

  /** Topics that do not exist yet are left out: Kafka keeps no position for them. */
  async commit(group: string, positions: readonly TopicPosition[], signal?: AbortSignal): Promise<void> {
    const existing = await this.#catalog.partitions();
    const kept = positions.filter(({ topic, partition }) => existing.get(topic)?.includes(partition));
    if (kept.length > 0) await commitAsMember(this.#kafka, { group, positions: kept }, signal);
  }

  /** Forgets a group, or some of its topics. Idempotent. */
  async release(group: string, topics?: readonly string[]): Promise<void> {
    const found = (await this.groups()).find(({ name }) => name === group);
    if (!found) return;
    const rest = topics ? found.topics.filter(({ topic }) => !topics.includes(topic)) : [];
    // kafkajs can only forget a whole group: what stays is told anew.
    await this.#catalog.ask(`forget the group ${group}`, (admin) => admin.deleteGroups([group]));
    if (rest.length > 0) await this.commit(group, rest);
  }

  async groups(): Promise<readonly GroupStatus[]> {
    const { groups } = await this.#catalog.ask('list its groups', (admin) => admin.listGroups());
    const found: GroupStatus[] = [];
    for (const { groupId } of groups) {
      const positions = await this.#catalog.ask(`tell how far ${groupId} is`, (admin) =>
        readPositions(admin, groupId),
      );
      const first = positions[0];
      if (first) found.push(await this.#toStatus(groupId, positions));
    }
    return found;
  }

  async #toStatus(name: string, positions: readonly MarkedPosition[]): Promise<GroupStatus> {
    const topics: GroupTopic[] = [];
    const existing = await this.#catalog.partitions();
    for (const { topic, partition, nextOffset } of positions) {
      const bounds = existing.has(topic) ? await this.#catalog.bounds(topic) : [];
      const { firstOffset = 0, nextOffset: end = 0 } =
        bounds.find((place) => place.partition === partition) ?? {};
      topics.push({
        topic,
        partition,
        nextOffset,
        lagRecords: Math.max(0, end - Math.max(firstOffset, nextOffset)),
        lagBytes: null,
        lost: nextOffset < firstOffset,
      });
    }
    return {
      name,
      topics,
      lagRecords: topics.reduce((sum, { lagRecords }) => sum + lagRecords, 0),
      lagBytes: null,
      lastSeenAtMs: Math.max(...positions.map(({ atMs }) => atMs)),
      lost: topics.some(({ lost }) => lost),
    };
  }
}

type MarkedPosition = TopicPosition & { readonly atMs: number };

async function readPositions(admin: Admin, groupId: string): Promise<readonly MarkedPosition[]> {
  const found = await admin.fetchOffsets({ groupId });
  return found.flatMap(({ topic, partitions }) =>
    partitions.flatMap(({ partition, offset, metadata }) => {
      const atMs = MARK.exec(metadata ?? '')?.[1];
      return atMs === undefined ? [] : [{ topic, partition, nextOffset: Number(offset), atMs: Number(atMs) }];
    }),
  );
}

/** kafkajs commits only as a member (its admin client takes 5 s for it), so one joins for that moment. */
async function commitAsMember(
  kafka: Kafka,
  commit: { readonly group: string; readonly positions: readonly TopicPosition[] },
  signal?: AbortSignal,
): Promise<void> {
  const { group, positions } = commit;
  const topics = [...new Set(positions.map(({ topic }) => topic))];
  const metadata = `banyan at ${Date.now()}`;
  const offsets = positions.map(({ topic, partition, nextOffset }) => ({
    topic,
    partition,
    metadata,
    offset: String(nextOffset),
  }));
  const consumer = kafka.consumer({
    groupId: group,
    sessionTimeout: SESSION_TIMEOUT_MS,
    rebalanceTimeout: SESSION_TIMEOUT_MS,
    heartbeatInterval: HEARTBEAT_INTERVAL_MS,
    maxWaitTimeInMs: MAX_WAIT_MS,
    allowAutoTopicCreation: false,
  });
  consumer.on('consumer.group_join', () => {
    consumer.pause(topics.map((topic) => ({ topic }))); // it reads nothing
  });
  const deadline = AbortSignal.timeout(TIMEOUT_MS);
  const stop = signal ? AbortSignal.any([signal, deadline]) : deadline;
  try {
    // Any of its calls may wait for ever, its end as well.
    await new Promise<void>((resolve, reject) => {
      stop.addEventListener('abort', () => reject(stop.reason as Error), { once: true });
      consumer.on('consumer.crash', ({ payload }) => {
        if (!payload.restart) reject(payload.error);
      });
      consumer
        .connect()
        .then(() => consumer.subscribe({ topics, fromBeginning: true }))
        // Once it has joined: a commit before would be taken for a stopped consumer's, and be dropped.
        .then(() => consumer.run({ autoCommit: false, eachBatch: () => Promise.resolve() }))
        .then(() => consumer.commitOffsets(offsets))
        .then(resolve, reject);
    });
  } catch (cause) {
    signal?.throwIfAborted();
    throw new BusUnreachableError(`take the position of ${group}`, cause);
  } finally {
    // Without it the group misses the member after its session time.
    await Promise.race([
      consumer.disconnect().catch(() => undefined),
      delay(CLOSE_TIMEOUT_MS, undefined, { ref: false }),
    ]);
  }
}

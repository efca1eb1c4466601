import type { Kafka } from 'kafkajs';
import type { TopicPosition } from '../bus.ts';
import { BusUnreachableError } from './kafka-errors.ts';

const TIMEOUT_MS = 10_000;

/**
 * Tells Kafka how far a group has applied: for people and their tools alone. What counts is in the service's store.
 * kafkajs commits only as a member (its admin client takes 5 s for it), so one joins for that moment.
 */
export async function commitGroup(
  kafka: Kafka,
  commit: { readonly group: string; readonly positions: readonly TopicPosition[] },
  signal?: AbortSignal,
): Promise<void> {
  const { group, positions } = commit;
  if (positions.length === 0) return;
  const topics = [...new Set(positions.map(({ topic }) => topic))];
  const consumer = kafka.consumer({ groupId: group, maxWaitTimeInMs: 50, allowAutoTopicCreation: false });
  const deadline = AbortSignal.timeout(TIMEOUT_MS);
  const stop = signal ? AbortSignal.any([signal, deadline]) : deadline;
  try {
    await consumer.connect();
    await consumer.subscribe({ topics, fromBeginning: true });
    await new Promise<void>((resolve, reject) => {
      stop.addEventListener('abort', () => reject(stop.reason as Error), { once: true });
      consumer.on('consumer.crash', ({ payload }) => {
        if (!payload.restart) reject(payload.error);
      });
      consumer.on('consumer.group_join', () => {
        consumer.pause(topics.map((topic) => ({ topic }))); // it reads nothing
        consumer
          .commitOffsets(
            positions.map(({ topic, partition, nextOffset }) => ({
              topic,
              partition,
              offset: String(nextOffset),
            })),
          )
          .then(resolve, reject);
      });
      consumer.run({ autoCommit: false, eachBatch: () => Promise.resolve() }).catch(reject);
    });
  } catch (cause) {
    signal?.throwIfAborted();
    throw new BusUnreachableError(`take the position of ${group}`, cause);
  } finally {
    await consumer.disconnect().catch(() => undefined); // the group misses it after its session time
  }
}

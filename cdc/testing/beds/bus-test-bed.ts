/** What tests of buses share: records, and ways to read them. */
import { expect } from '@jest/globals';
import type { Bus, BusRecord, StoredRecord, TopicPosition } from '../../src/bus/bus.ts';

/** A record of a topic. */
export function record(topic: string, id: number): BusRecord {
  return { topic, key: `{"id":${id}}`, headers: {}, value: `{"n":${id}}` };
}

/** A place in a topic's one partition. */
export function start(topic: string, nextOffset = 0): TopicPosition {
  return { topic, partition: 0, nextOffset };
}

/** Keys of records, in their order. */
export function keys(records: readonly StoredRecord[]): (string | null)[] {
  return records.map(({ key }) => key);
}

/** Consumes until `count` records have come, then stops; fails after 10 s. */
export async function take(
  bus: Bus,
  from: readonly TopicPosition[],
  count: number,
  maxBatchRecords?: number,
): Promise<StoredRecord[]> {
  const stop = new AbortController();
  const got: StoredRecord[] = [];
  const timer = setTimeout(() => {
    stop.abort();
  }, 10_000);
  try {
    await bus.consume({
      from,
      ...(maxBatchRecords === undefined ? {} : { maxBatchRecords }),
      onBatch(records) {
        got.push(...records);
        if (got.length >= count) stop.abort();
        return Promise.resolve();
      },
      signal: stop.signal,
    });
  } finally {
    clearTimeout(timer);
  }
  expect(got.length).toBeGreaterThanOrEqual(count);
  return got;
}

/** All records of a topic as of now. */
export async function takeAll(bus: Bus, topic: string): Promise<StoredRecord[]> {
  const [end] = await bus.ends([topic]);
  return end && end.nextOffset > 0 ? await take(bus, [start(topic)], end.nextOffset) : [];
}

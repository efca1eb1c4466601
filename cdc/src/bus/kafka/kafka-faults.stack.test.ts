import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { keys, record, start, take } from '../../../testing/beds/bus-test-bed.ts';
import type { StoredRecord, TopicPosition } from '../bus.ts';
import type { KafkaBus } from './kafka-bus.ts';
import {
  openEmptyKafkaBus,
  openTestBus,
  startTestKafka,
  type TestKafka,
} from '../../../testing/beds/kafka-test-bed.ts';

let kafka: TestKafka;
let bus: KafkaBus;
beforeAll(async () => {
  kafka = await startTestKafka();
});
afterAll(async () => {
  await kafka.close();
});
beforeEach(async () => {
  bus = await openEmptyKafkaBus(kafka);
});
afterEach(async () => {
  await bus.close();
});

/** Reads in the background until `close()`, which gives what came, or throws what ended it. */
function reading(
  from: readonly TopicPosition[],
  onBatch: (records: readonly StoredRecord[]) => Promise<void> = () => Promise.resolve(),
): { readonly got: StoredRecord[]; readonly ended: Promise<void>; close(): Promise<StoredRecord[]> } {
  const stop = new AbortController();
  const got: StoredRecord[] = [];
  const ended = bus.consume({
    from,
    signal: stop.signal,
    async onBatch(records) {
      await onBatch(records);
      got.push(...records);
    },
  });
  ended.catch(() => undefined); // told by close(), or looked at by the test
  return {
    got,
    ended,
    async close() {
      stop.abort();
      await ended;
      return got;
    },
  };
}

async function until(what: () => boolean, timeoutMs = 30_000): Promise<void> {
  const deadline = Date.now() + timeoutMs;
  while (!what()) {
    if (Date.now() > deadline) throw new Error(`Not within ${timeoutMs} ms: ${what.toString()}`);
    await sleep(20);
  }
}

test('a broker that is killed under load: what was acknowledged is there once, and reading goes on', async () => {
  await bus.append([record('a', 0)]);
  const reader = reading([start('a')]);
  await until(() => reader.got.length > 0);
  const stored: number[] = [0];
  let isOver = false;
  let id = 1;
  // Several at a time, so that some are under way whenever the broker dies.
  const writers = Array.from({ length: 8 }, async () => {
    while (!isOver) {
      const mine = id++;
      await bus.append([record('a', mine)]).then(
        () => stored.push(mine),
        () => undefined, // not acknowledged: it may be there or not
      );
    }
  });
  for (let kill = 0; kill < 3; kill += 1) {
    const before = stored.length;
    await until(() => stored.length > before + 200);
    await kafka.stack.broker.kill();
    await kafka.stack.broker.start();
  }
  const before = stored.length;
  await until(() => stored.length > before + 50);
  isOver = true;
  await Promise.all(writers);
  await Promise.race([
    reader.ended,
    until(() => stored.every((one) => reader.got.some(({ key }) => key === `{"id":${one}}`))),
  ]);
  const got = keys(await reader.close());
  expect(new Set(got).size).toBe(got.length);
}, 180_000);

test('only what was committed is read, and marks of transactions are passed', async () => {
  await bus.ensureTopics(['a']);
  const producer = kafka.client.producer({ transactionalId: 'tx', maxInFlightRequests: 1, idempotent: true });
  await producer.connect();
  const reader = reading([start('a')]);
  for (const id of [1, 2, 3]) {
    const transaction = await producer.transaction();
    await transaction.send({ topic: 'a', messages: [{ key: `{"id":${id}}`, value: '{}' }] });
    await (id === 2 ? transaction.abort() : transaction.commit());
  }
  await bus.append([record('a', 4)]);
  await until(() => reader.got.length === 3);
  expect(keys(await reader.close())).toEqual(['{"id":1}', '{"id":3}', '{"id":4}']);

  // The end is a mark; reading up to it must end.
  const last = await producer.transaction();
  await last.send({ topic: 'a', messages: [{ key: '{"id":5}', value: '{}' }] });
  await last.abort();
  await producer.disconnect();
  expect(keys(await bus.read(start('a', 2), 100))).toEqual(['{"id":3}', '{"id":4}']);
  expect(keys(await bus.read(start('a'), 1))).toEqual(['{"id":1}']);
});

test('records that were deleted from the topic’s beginning are missed, at the start and while reading', async () => {
  await bus.append([1, 2, 3, 4].map((id) => record('a', id)));
  await kafka.deleteRecords('a', 2);
  expect(await bus.starts(['a', 'none'])).toEqual([start('a', 2), start('none', 0)]);
  await expect(reading([start('a', 1)]).ended).rejects.toMatchObject({
    code: 'offset-gone',
    starts: [start('a', 2)],
  });
  expect(keys(await take(bus, [start('a', 2)], 2))).toEqual(['{"id":3}', '{"id":4}']);

  // It waits inside its handler while what it has not fetched yet is deleted.
  const go = Promise.withResolvers<undefined>();
  const slow = reading([start('a', 2)], () => go.promise.then(() => undefined));
  await sleep(500);
  await bus.append([5, 6, 7].map((id) => record('a', id)));
  await kafka.deleteRecords('a', 6);
  go.resolve(undefined);
  await expect(slow.ended).rejects.toMatchObject({ code: 'offset-gone' });
  expect(keys(slow.got)).not.toContain('{"id":7}');
});

test('a topic that is deleted and made again is missed, not waited for', async () => {
  await bus.append([record('a', 1), record('b', 1)]);
  const reader = reading([start('a'), start('b')]);
  await until(() => reader.got.length === 2);
  await kafka.administer((admin) => admin.deleteTopics({ topics: ['a'] }));
  await expect(reader.ended).rejects.toMatchObject({ code: 'offset-gone', starts: [start('a', 0)] });
  await bus.append([record('b', 2)]);
  await bus.ensureTopics(['a']);
  await bus.append([record('a', 2)]);
  expect(keys(await bus.read(start('a'), 10))).toEqual(['{"id":2}']);
});

test('keys go to partitions of their own, in order; partitions that were added are told', async () => {
  const wide = openTestBus(kafka, { newTopicPartitions: 3 });
  const ids = Array.from({ length: 30 }, (_, id) => id);
  await wide.append(ids.map((id) => record('w', id % 10)));
  expect(await wide.partitions('w')).toEqual([0, 1, 2]);
  const from = [0, 1, 2].map((partition) => ({ topic: 'w', partition, nextOffset: 0 }));
  const got = await take(wide, from, 30);
  const partitionsOf = new Map<string | null, Set<number>>();
  for (const { key, partition } of got) {
    partitionsOf.set(key, (partitionsOf.get(key) ?? new Set()).add(partition));
  }
  expect([...partitionsOf.values()].every((partitions) => partitions.size === 1)).toBe(true);
  expect(new Set(got.map(({ partition }) => partition)).size).toBeGreaterThan(1);

  // A record about another one goes where that one is.
  await wide.append(
    got.map(({ key, partition }) => ({
      topic: 'w',
      key: 'about',
      headers: { at: `${partition}` },
      value: null,
      partitionKey: key ?? '',
    })),
  );
  const about = (await take(wide, from, 60)).filter(({ key }) => key === 'about');
  expect(about.map(({ headers }) => headers['at'])).toEqual(about.map(({ partition }) => `${partition}`));
  expect(about).toHaveLength(30);

  await wide.append([{ ...record('w', 1), partition: 2 }]);
  expect((await wide.read({ topic: 'w', partition: 2, nextOffset: 0 }, 100)).at(-1)).toMatchObject({
    key: '{"id":1}',
    partition: 2,
  });

  await expect(reading([start('w')]).ended).rejects.toMatchObject({ code: 'partitions-changed' });
  const reader = reading(from);
  await kafka.administer((admin) => admin.createPartitions({ topicPartitions: [{ topic: 'w', count: 4 }] }));
  await expect(reader.ended).rejects.toMatchObject({ code: 'partitions-changed' });
  await wide.close();
});

test('a handler may take longer than a member’s session, and another reader may come and go', async () => {
  await bus.append([record('a', 1)]);
  const sizes: number[] = [];
  const reader = reading([start('a')], async (records) => {
    sizes.push(records.length);
    if (sizes.length === 1) await sleep(12_000);
  });
  await until(() => sizes.length === 1);
  await bus.append([record('a', 2)]);
  expect(keys(await take(bus, [start('a')], 2))).toEqual(['{"id":1}', '{"id":2}']);
  await until(() => reader.got.length === 2);
  expect(keys(await reader.close())).toEqual(['{"id":1}', '{"id":2}']);
}, 180_000);

test('a group whose member was killed while it told how far it is, is told the same at once again', async () => {
  await bus.append([record('a', 1), record('a', 2)]);
  for (let round = 0; round < 3; round += 1) {
    const child = fork(new URL('../../../testing/processes/commit-until-killed.ts', import.meta.url), [
      kafka.stack.bootstrapServers,
      'reviews',
    ]);
    await once(child, 'message');
    await sleep(20 * round); // mostly within the next one
    child.kill('SIGKILL');
    await once(child, 'exit');
    await bus.commit('reviews', [start('a', 2)]);
  }
  expect(await bus.groups()).toMatchObject([{ name: 'reviews', lagRecords: 0 }]);
}, 180_000);

test('what groups told is kept by Kafka, with what they lag behind, until they are let go', async () => {
  await bus.append([...[1, 2, 3, 4, 5].map((id) => record('a', id)), record('b', 1)]);
  await bus.commit('reviews', [start('a', 2), start('b', 1), start('later', 0)]);
  await bus.commit('reviews', [start('a', 3)]);
  await bus.commit('orders', [start('a', 5)]);
  const groups = await bus.groups();
  expect(groups.map(({ name, lagRecords, lost }) => [name, lagRecords, lost]).sort()).toEqual([
    ['orders', 0, false],
    ['reviews', 2, false],
  ]);
  await kafka.deleteRecords('a', 4);
  expect((await bus.groups()).find(({ name }) => name === 'reviews')).toMatchObject({
    lost: true,
    lagBytes: null,
  });
  await bus.release('reviews', ['a']);
  await bus.release('nobody');
  await bus.release('orders');
  expect((await bus.groups()).map(({ name, topics }) => [name, topics.map(({ topic }) => topic)])).toEqual([
    ['reviews', ['b']],
  ]);
  expect((await bus.topics()).find(({ topic }) => topic === 'a')).toEqual({
    topic: 'a',
    firstOffset: 4,
    nextOffset: 5,
    records: 1,
    bytes: null,
  });
});

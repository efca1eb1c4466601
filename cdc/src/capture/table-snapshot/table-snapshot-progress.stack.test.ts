import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { notificationTopic } from '@banyan/contracts';
import { setTimeout as sleep } from 'node:timers/promises';
import type { KafkaBus } from '../../bus/kafka/kafka-bus.ts';
import { openTestBus, startTestKafka, type TestKafka } from '../../../testing/beds/kafka-test-bed.ts';
import { eventually, PREFIX } from '../../../testing/beds/reader-test-bed.ts';
import { followTableSnapshots } from './table-snapshot-progress.ts';

let kafka: TestKafka;
let bus: KafkaBus;
const stop = new AbortController();
beforeAll(async () => {
  kafka = await startTestKafka();
  bus = openTestBus(kafka);
});
afterAll(async () => {
  stop.abort();
  await bus.close();
  await kafka.close();
});

/** As Debezium tells it. */
async function tellStarted(id: string, table: string): Promise<void> {
  const value = JSON.stringify({
    id,
    aggregate_type: 'Incremental Snapshot',
    type: 'STARTED',
    timestamp: Date.now(),
    additional_data: { connector_name: PREFIX, data_collections: table },
  });
  await bus.append([{ topic: notificationTopic(PREFIX), key: null, headers: {}, value }]);
}

test('table snapshots are followed on when the broker was away, and when their topic was deleted', async () => {
  const { signal } = stop;
  await tellStarted('1', 'public.one');
  const follower = await followTableSnapshots({ bus, prefix: PREFIX, signal });
  expect(follower.progress('public.one')).toMatchObject({ id: '1' });

  await kafka.stack.broker.kill();
  // Begun while nobody answers: it knows nothing, and comes to know it.
  const late = await followTableSnapshots({ bus, prefix: PREFIX, signal });
  expect(late.progress('public.one')).toBeNull();
  await sleep(12_000); // longer than the bus itself is patient
  await kafka.stack.broker.start();
  await tellStarted('2', 'public.two');
  for (const each of [follower, late]) {
    await eventually('the second one is known', () => each.progress('public.two')?.id === '2');
    expect(each.progress('public.one')).toMatchObject({ id: '1' });
  }

  await kafka.administer((admin) => admin.deleteTopics({ topics: [notificationTopic(PREFIX)] }));
  await eventually(
    'the topic is gone',
    async () => (await bus.missingTopics([notificationTopic(PREFIX)])).length,
  );
  await sleep(3_000); // it is missed by then
  await bus.ensureTopics([notificationTopic(PREFIX)]);
  await tellStarted('3', 'public.three');
  for (const each of [follower, late]) {
    await eventually('the third one is known', () => each.progress('public.three')?.id === '3');
  }
  stop.abort();
  await Promise.all([follower.ended, late.ended]);
}, 180_000);

/** A Kafka of a test's own, and ways to do to it what only an administrator does. */
import { startKafkaStack, type KafkaPorts, type KafkaStack, type PrepareKafkaOptions } from '@banyan/kafka';
import { silentLogger } from '@banyan/kit';
import { findFreePort } from '@banyan/postgres';
import kafkajs, { type Admin, type Kafka } from 'kafkajs';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openKafkaBus, type KafkaBus, type KafkaBusOptions } from '../../src/bus/kafka/kafka-bus.ts';

export interface TestKafka {
  readonly stack: KafkaStack;
  /** kafkajs itself, as others would use it. */
  readonly client: Kafka;
  /** Runs `work` with an admin client of its own: kafkajs's stumble over topics that were deleted. */
  administer<T>(work: (admin: Admin) => Promise<T>): Promise<T>;
  /** Deletes what stands before an offset in the one partition of a topic. */
  deleteRecords(topic: string, beforeOffset: number): Promise<void>;
  close(): Promise<void>;
}

/**
 * @param options.withConnect Default false.
 * @param options.properties Further properties of broker and workers, e.g. other listeners.
 */
export async function startTestKafka(
  options: {
    readonly withConnect?: boolean;
    readonly properties?: (at: {
      readonly ports: KafkaPorts;
      readonly secretsDir: string;
    }) => PrepareKafkaOptions['properties'];
  } = {},
): Promise<TestKafka> {
  const dir = mkdtempSync(join(tmpdir(), 'banyan-kafka-'));
  const ports = {
    kafka: await findFreePort(),
    controller: await findFreePort(),
    connect: await findFreePort(),
  };
  const secretsDir = join(dir, 'secrets');
  const properties = options.properties?.({ ports, secretsDir });
  const stack = await startKafkaStack({
    dir,
    ports,
    secretsDir,
    withConnect: options.withConnect ?? false,
    ...(properties && { properties }),
  });
  const client = new kafkajs.Kafka({
    brokers: [stack.bootstrapServers],
    clientId: 'test',
    logLevel: kafkajs.logLevel.NOTHING,
    retry: { initialRetryTime: 100, maxRetryTime: 500, retries: 20 },
  });
  const administer: TestKafka['administer'] = async (work) => {
    const admin = client.admin();
    await admin.connect();
    try {
      return await work(admin);
    } finally {
      await admin.disconnect();
    }
  };
  return {
    stack,
    client,
    administer,
    deleteRecords: (topic, beforeOffset) =>
      administer(async (admin) => {
        await admin.fetchTopicOffsets(topic); // else kafkajs does not know the topic
        await admin.deleteTopicRecords({
          topic,
          partitions: [{ partition: 0, offset: String(beforeOffset) }],
        });
      }),
    async close() {
      await stack.close();
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

/** A bus on it. */
export function openTestBus(kafka: TestKafka, options: Partial<KafkaBusOptions> = {}): KafkaBus {
  return openKafkaBus({ brokers: [kafka.stack.bootstrapServers], logger: silentLogger, ...options });
}

/** A bus on it, after all topics of earlier tests were deleted. */
export async function openEmptyKafkaBus(
  kafka: TestKafka,
  options: Partial<KafkaBusOptions> = {},
): Promise<KafkaBus> {
  await kafka.administer(async (admin) => {
    const own = async (): Promise<string[]> =>
      (await admin.listTopics()).filter((topic) => !topic.startsWith('__'));
    const topics = await own();
    if (topics.length > 0) await admin.deleteTopics({ topics });
    while ((await own()).length > 0) await new Promise((resolve) => setTimeout(resolve, 20));
  });
  return openTestBus(kafka, options);
}

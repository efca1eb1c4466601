/** A Kafka of a test's own, and ways to do to it what only an administrator does. */
import { startKafkaStack, type KafkaStack } from '@banyan/kafka';
import { silentLogger } from '@banyan/kit';
import { findFreePort } from '@banyan/postgres';
import kafkajs, { type Admin, type Kafka } from 'kafkajs';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openKafkaBus, type KafkaBus, type KafkaBusOptions } from './kafka-bus.ts';

export interface TestKafka {
  readonly stack: KafkaStack;
  /** kafkajs itself, as others would use it. */
  readonly client: Kafka;
  readonly admin: Admin;
  close(): Promise<void>;
}

/** @param options.withConnect Default false. */
export async function startTestKafka(options: { withConnect?: boolean } = {}): Promise<TestKafka> {
  const dir = mkdtempSync(join(tmpdir(), 'banyan-kafka-'));
  const ports = {
    kafka: await findFreePort(),
    controller: await findFreePort(),
    connect: await findFreePort(),
  };
  const stack = await startKafkaStack({ dir, ports, withConnect: options.withConnect ?? false });
  const client = new kafkajs.Kafka({
    brokers: [stack.bootstrapServers],
    clientId: 'test',
    logLevel: kafkajs.logLevel.NOTHING,
    retry: { initialRetryTime: 100, maxRetryTime: 500, retries: 20 },
  });
  const admin = client.admin();
  await admin.connect();
  return {
    stack,
    client,
    admin,
    async close() {
      await admin.disconnect();
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
  const topics = (await kafka.admin.listTopics()).filter((topic) => !topic.startsWith('__'));
  if (topics.length > 0) await kafka.admin.deleteTopics({ topics });
  while ((await kafka.admin.listTopics()).some((topic) => !topic.startsWith('__')))
    await new Promise((resolve) => setTimeout(resolve, 20));
  return openTestBus(kafka, options);
}

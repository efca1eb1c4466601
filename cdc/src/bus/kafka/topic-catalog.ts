import type { Admin, Kafka } from 'kafkajs';
import { BusUnreachableError } from '../bus-errors.ts';

/** A row may be large: PostgreSQL keeps up to 1 GB in a field, Kafka by default at most 1 MB in a record. */
const NEW_TOPIC = [{ name: 'max.message.bytes', value: '33554432' }];

/** First and next offset of one partition. The next one is the last stable offset: an open transaction holds it back. */
export interface PartitionBounds {
  readonly partition: number;
  readonly firstOffset: number;
  readonly nextOffset: number;
}

/**
 * What there is on the brokers. An admin client is thrown away after any failure: kafkajs keeps asking for topics
 * that it was once asked about, so that one deleted topic would fail all questions after it.
 */
export class TopicCatalog {
  readonly #kafka: Kafka;
  #admin: Promise<Admin> | null = null;

  constructor(kafka: Kafka) {
    this.#kafka = kafka;
  }

  /** The cluster's own id: another one when the storage was made anew. */
  async clusterId(): Promise<string> {
    return (await this.ask('tell its id', (admin) => admin.describeCluster())).clusterId;
  }

  /** Partition numbers, ascending, of every topic that exists. */
  async partitions(): Promise<ReadonlyMap<string, readonly number[]>> {
    // Of all topics: asked for by name, one that is missing fails the whole question.
    const { topics } = await this.ask('list its topics', (admin) => admin.fetchTopicMetadata());
    return new Map(
      topics.map(({ name, partitions }) => [
        name,
        partitions.map(({ partitionId }) => partitionId).sort((one, other) => one - other),
      ]),
    );
  }

  /** Of a topic that exists. */
  async bounds(topic: string): Promise<readonly PartitionBounds[]> {
    const found = await this.ask(`tell the offsets of ${topic}`, (admin) => admin.fetchTopicOffsets(topic));
    return found.map(({ partition, low, high }) => ({
      partition,
      firstOffset: Number(low),
      nextOffset: Number(high),
    }));
  }

  /** Makes topics that do not exist yet; those that do are left as they are. */
  async create(topics: readonly string[], numPartitions: number): Promise<void> {
    await this.ask('create topics', (admin) =>
      admin.createTopics({
        topics: topics.map((topic) => ({ topic, numPartitions, configEntries: NEW_TOPIC })),
        timeout: 10_000,
      }),
    );
  }

  /** Topics that do not exist are passed over. */
  async remove(topics: readonly string[]): Promise<void> {
    const present = await this.partitions();
    const doomed = topics.filter((topic) => present.has(topic));
    if (doomed.length === 0) return;
    await this.ask('delete topics', (admin) => admin.deleteTopics({ topics: doomed, timeout: 10_000 }));
  }

  async close(): Promise<void> {
    const admin = this.#admin;
    this.#admin = null;
    await (await admin?.catch(() => null))?.disconnect();
  }

  /**
   * Asks, and once more through a new client when that failed. For questions that may be asked twice.
   * @throws BusUnreachableError
   */
  async ask<T>(what: string, question: (admin: Admin) => Promise<T>): Promise<T> {
    try {
      return await this.#askOnce(question);
    } catch {
      try {
        return await this.#askOnce(question);
      } catch (cause) {
        throw new BusUnreachableError(what, cause);
      }
    }
  }

  async #askOnce<T>(question: (admin: Admin) => Promise<T>): Promise<T> {
    const connecting = (this.#admin ??= this.#connect());
    try {
      return await question(await connecting);
    } catch (cause) {
      if (this.#admin === connecting) this.#admin = null;
      void connecting.then((admin) => admin.disconnect()).catch(() => undefined); // broken anyway
      throw cause;
    }
  }

  async #connect(): Promise<Admin> {
    const admin = this.#kafka.admin();
    await admin.connect();
    return admin;
  }
}

import { Partitioners, type ICustomPartitioner, type Kafka, type Message, type Producer } from 'kafkajs';
import type { BusRecord } from '../bus.ts';
import { BusUnreachableError } from '../bus-errors.ts';

/**
 * Stores records in order, each once, by Kafka's idempotent producer; not in a transaction, so that a barrier is
 * visible as soon as it is stored.
 *
 * One send at a time, its retries included. kafkajs takes a sequence number back when a send fails, so that a second
 * send in between would get the same one; where the first had been stored after all, the broker would take the second
 * for its resend, drop it and call it stored. After a failure for good the producer is thrown away for the same reason.
 */
export class OrderedProducer {
  readonly #kafka: Kafka;
  #producer: Promise<Producer> | null = null;
  #last: Promise<unknown> = Promise.resolve();

  constructor(kafka: Kafka) {
    this.#kafka = kafka;
  }

  /** @throws BusUnreachableError when it is not known whether the records are stored. */
  send(records: readonly BusRecord[], signal?: AbortSignal): Promise<void> {
    const batch = toTopicMessages(records);
    const sent = this.#last.then(async () => {
      signal?.throwIfAborted();
      await this.#send(batch);
    });
    this.#last = sent.catch(() => undefined); // told to whoever sent it
    return sent;
  }

  /** Waits for what is being sent. */
  async close(): Promise<void> {
    await this.#last;
    await this.#discard();
  }

  async #send(topicMessages: { topic: string; messages: Message[] }[]): Promise<void> {
    try {
      const producer = await (this.#producer ??= this.#connect());
      await producer.sendBatch({ acks: -1, topicMessages });
    } catch (cause) {
      void this.#discard();
      throw new BusUnreachableError('store records', cause);
    }
  }

  async #connect(): Promise<Producer> {
    const producer = this.#kafka.producer({
      idempotent: true,
      allowAutoTopicCreation: false,
      maxInFlightRequests: 1,
      createPartitioner,
    });
    await producer.connect();
    return producer;
  }

  async #discard(): Promise<void> {
    const producer = this.#producer;
    this.#producer = null;
    await producer?.then((connected) => connected.disconnect()).catch(() => undefined); // broken anyway
  }
}

interface RoutedMessage extends Message {
  readonly partitionKey?: string;
}

/** murmur2, as Java's producer and Debezium have it, of the key that says where the message goes. */
const createPartitioner: ICustomPartitioner = () => {
  const byKey = Partitioners.DefaultPartitioner();
  return ({ message, ...topic }) => {
    const { partitionKey, ...own }: RoutedMessage = message;
    return byKey({ ...topic, message: partitionKey === undefined ? own : { ...own, key: partitionKey } });
  };
};

/** By topic, in order. */
function toTopicMessages(records: readonly BusRecord[]): { topic: string; messages: Message[] }[] {
  const topics = new Map<string, RoutedMessage[]>();
  for (const { topic, key, value, headers, partition, partitionKey } of records) {
    const messages = topics.get(topic) ?? [];
    messages.push({
      key,
      value,
      headers,
      ...(partition === undefined ? {} : { partition }),
      ...(partitionKey === undefined ? {} : { partitionKey }),
    });
    topics.set(topic, messages);
  }
  return Array.from(topics, ([topic, messages]) => ({ topic, messages }));
}

import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { Consumer, EachBatchPayload, Kafka, KafkaMessage } from 'kafkajs';
import type { ConsumeOptions, StoredRecord } from '../bus.ts';
import { kafkaRetry } from './kafka-client.ts';
import { BusUnreachableError } from '../bus-errors.ts';
import type { NextOffsets } from './next-offsets.ts';

/** A fetch waits this long for a first record; stopping waits for a fetch. */
const MAX_WAIT_MS = 250;
const SESSION_TIMEOUT_MS = 10_000;
const HEARTBEAT_INTERVAL_MS = 1_000;
const CLOSE_TIMEOUT_MS = 1_000;

export interface ReadingSessionOptions extends Pick<ConsumeOptions, 'onBatch'> {
  readonly kafka: Kafka;
  /** First part of the consumer group's name. */
  readonly groupPrefix: string;
  /** All of them exist. */
  readonly topics: readonly string[];
  /** Where to go on; moved on as batches are handled. */
  readonly next: NextOffsets;
  readonly maxBatchRecords: number;
  /** Most bytes of values in a batch; a larger record comes alone. */
  readonly maxBatchBytes: number;
  /** Called whenever it has got its partitions. */
  readonly onJoined: () => void;
  /** Called before records that do not follow directly. @throws OffsetGoneError when some are gone. */
  readonly checkGap: (topic: string) => Promise<void>;
}

/**
 * Reads partitions from given offsets, until it is stopped or fails.
 *
 * kafkajs can read only as a member of a consumer group. The group is this session's alone, so that its one member has
 * all partitions, nobody else's coming or going rebalances it, and several readers of one service each read all, as
 * on every bus. Nothing is committed to it: on each assignment the positions are sought that the caller keeps.
 */
export class ReadingSession {
  readonly #options: ReadingSessionOptions;
  readonly #consumer: Consumer;
  readonly #ended = Promise.withResolvers<undefined>();
  #isEnded = false;
  /** The batch that the handler has. */
  #inHand: Promise<void> | null = null;

  constructor(options: ReadingSessionOptions) {
    this.#options = options;
    this.#consumer = options.kafka.consumer({
      groupId: `${options.groupPrefix}-${randomUUID()}`,
      sessionTimeout: SESSION_TIMEOUT_MS,
      heartbeatInterval: HEARTBEAT_INTERVAL_MS,
      maxWaitTimeInMs: MAX_WAIT_MS,
      allowAutoTopicCreation: false,
      readUncommitted: false,
      // Not by itself: another session begins at positions that were looked at again.
      retry: { ...kafkaRetry, restartOnFailure: () => Promise.resolve(false) },
    });
    this.#ended.promise.catch(() => undefined); // told by run(), which may not be waiting yet
  }

  /** True while the handler has a batch. */
  get isBusy(): boolean {
    return this.#inHand !== null;
  }

  /** Resolves after `stop()`. @throws the handler's error, OffsetGoneError, or BusUnreachableError. */
  async run(): Promise<void> {
    const consumer = this.#consumer;
    consumer.on('consumer.group_join', () => this.#seek());
    consumer.on('consumer.crash', ({ payload }) => {
      this.#end(new BusUnreachableError('be read', payload.error));
    });
    consumer.on('consumer.end_batch_process', ({ payload }) => this.#passMarks(payload));
    // Not awaited: joining may take long, and `stop()` ends it all the same.
    this.#start().catch((cause: unknown) => this.#end(new BusUnreachableError('be read', cause)));
    try {
      await this.#ended.promise;
    } finally {
      await this.#inHand;
      // Not for ever: one that stalls does not end either. It hands nothing over any more; its group ends by itself.
      await Promise.race([
        consumer.disconnect().catch(() => undefined),
        delay(CLOSE_TIMEOUT_MS, undefined, { ref: false }),
      ]);
    }
  }

  async #start(): Promise<void> {
    const consumer = this.#consumer;
    await consumer.connect();
    await consumer.subscribe({ topics: [...this.#options.topics], fromBeginning: true });
    await consumer.run({
      autoCommit: false,
      eachBatchAutoResolve: false,
      eachBatch: (payload) => this.#eachBatch(payload),
    });
    if (this.#isEnded) await consumer.disconnect(); // it was stopped before it ran
  }

  /** Ends it after the batch in hand. Idempotent. */
  stop(): void {
    this.#end(null);
  }

  #end(error: unknown): void {
    this.#isEnded = true;
    if (error === null) this.#ended.resolve(undefined);
    else this.#ended.reject(error);
  }

  /** In the event itself, which comes after the assignment and before the first fetch. */
  #seek(): void {
    this.#options.onJoined();
    for (const { topic, partition, nextOffset } of this.#options.next.all()) {
      if (this.#options.topics.includes(topic)) {
        this.#consumer.seek({ topic, partition, offset: String(nextOffset) });
      }
    }
  }

  /** A batch of nothing but marks of transactions is not handed over, but passed. */
  #passMarks(batch: { topic: string; partition: number; batchSize: number; lastOffset: string }): void {
    const { topic, partition, batchSize, lastOffset } = batch;
    const nextOffset = Number(lastOffset) + 1;
    const { next } = this.#options;
    if (batchSize === 0 && nextOffset > (next.get(topic, partition) ?? 0))
      next.set({ topic, partition, nextOffset });
  }

  async #eachBatch(payload: EachBatchPayload): Promise<void> {
    const { batch } = payload;
    const { topic, partition } = batch;
    const { next } = this.#options;
    try {
      const expected = next.get(topic, partition);
      // kafkajs goes on at the log's start, silently, when a position is out of range.
      if (expected !== null && Number(batch.firstOffset()) !== expected) await this.#options.checkGap(topic);
      for (const records of this.#split(topic, partition, batch.messages)) {
        if (this.#isEnded || !payload.isRunning() || payload.isStale()) return;
        await this.#handOver(payload, records);
        const last = records.at(-1);
        if (!last) continue;
        next.set({ topic, partition, nextOffset: last.offset + 1 });
        payload.resolveOffset(String(last.offset));
      }
      // Behind the last record may be marks of transactions: not records, but offsets.
      next.set({ topic, partition, nextOffset: Number(batch.lastOffset()) + 1 });
    } catch (error) {
      this.#end(error); // never to kafkajs, which would try again by itself and log what it was given
    }
  }

  async #handOver(payload: EachBatchPayload, records: readonly StoredRecord[]): Promise<void> {
    const handling = this.#options.onBatch(records);
    this.#inHand = handling.catch(() => undefined); // thrown below
    const timer = setInterval(() => {
      // Keeps the membership while a batch takes long. Failing, the next fetch finds out and joins again.
      payload.heartbeat().catch(() => undefined);
    }, HEARTBEAT_INTERVAL_MS);
    try {
      await handling;
    } finally {
      clearInterval(timer);
      this.#inHand = null;
    }
  }

  *#split(topic: string, partition: number, messages: readonly KafkaMessage[]): Generator<StoredRecord[]> {
    const { next, maxBatchRecords, maxBatchBytes } = this.#options;
    const from = next.get(topic, partition) ?? 0;
    let records: StoredRecord[] = [];
    let bytes = 0;
    for (const message of messages) {
      const record = toStoredRecord(topic, partition, message);
      if (record.offset < from) continue; // fetched before the group was joined anew, handled meanwhile
      const size = message.value?.length ?? 0;
      if (records.length === maxBatchRecords || (records.length > 0 && bytes + size > maxBatchBytes)) {
        yield records;
        records = [];
        bytes = 0;
      }
      records.push(record);
      bytes += size;
    }
    if (records.length > 0) yield records;
  }
}

function toStoredRecord(topic: string, partition: number, message: KafkaMessage): StoredRecord {
  return {
    topic,
    partition,
    offset: Number(message.offset),
    key: message.key?.toString('utf8') ?? null,
    value: message.value?.toString('utf8') ?? null,
    headers: toHeaders(message.headers),
    storedAtMs: Number(message.timestamp),
  };
}

/** As text; of headers with one name the last counts. */
function toHeaders(headers: KafkaMessage['headers'] = {}): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => {
      const last = Array.isArray(value) ? value.at(-1) : value;
      return [name, last === undefined ? '' : last.toString()];
    }),
  );
}

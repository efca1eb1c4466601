import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from '@banyan/kit';
import {
  BusClosedError,
  DEFAULT_BATCH_BYTES,
  DEFAULT_BATCH_RECORDS,
  type Bus,
  type BusRecord,
  type BusUsage,
  type ConsumeOptions,
  type GroupStatus,
  type StoredRecord,
  type TopicPosition,
  type TopicStatus,
} from '../bus.ts';
import { GroupInformation } from './group-information.ts';
import { createKafkaClient, type KafkaSettings } from './kafka-client.ts';
import { BusUnreachableError } from '../bus-errors.ts';
import { NextOffsets } from './next-offsets.ts';
import { OrderedProducer } from './ordered-producer.ts';
import { ReadingSession } from './reading-session.ts';
import { TopicCatalog } from './topic-catalog.ts';
import { TopicWatch } from './topic-watch.ts';

const SESSION_RETRY_MS = 100;
/** Sessions that fail are tried again this long before the reader is told. */
const PATIENCE_MS = 10_000;
const READ_POLL_MS = 20;
/** Topics of the brokers themselves. */
const KAFKAS_OWN = /^__(consumer_offsets|transaction_state|share_group_state)$/;

export interface KafkaBusOptions extends KafkaSettings {
  readonly logger: Logger;
  /** Partitions of topics that this bus makes. Default 1; see docs/adr/0015. */
  readonly newTopicPartitions?: number;
}

/** A bus on Kafka. */
export interface KafkaBus extends Bus {
  /** Makes topics that do not exist yet. Those that do are left as they are. */
  ensureTopics(topics: readonly string[]): Promise<void>;
  /** Those of these topics that do not exist. */
  missingTopics(topics: readonly string[]): Promise<readonly string[]>;
  /** Deletes those of these topics that exist, with all that is in them. */
  removeTopics(topics: readonly string[]): Promise<void>;
}

/**
 * The bus of the full stack. Connects with the first call.
 *
 * Different from the embedded bus: an append is all or none per partition; there is no order between partitions; and
 * offsets are not dense, since transactions take some for their marks.
 *
 * @example
 * const bus = openKafkaBus({ brokers: ['127.0.0.1:9092'], clientId: 'banyan-reviews', logger });
 */
export function openKafkaBus(options: KafkaBusOptions): KafkaBus {
  return new KafkaJsBus(options);
}

type KafkaConsumeOptions = Omit<ConsumeOptions, 'from'> & { readonly next: NextOffsets };

class KafkaJsBus implements KafkaBus {
  readonly #options: KafkaBusOptions;
  readonly #kafka: ReturnType<typeof createKafkaClient>;
  readonly #catalog: TopicCatalog;
  readonly #producer: OrderedProducer;
  readonly #groups: GroupInformation;
  readonly #closing = new AbortController();
  readonly #known = new Set<string>();
  #closed: Promise<void> | null = null;

  constructor(options: KafkaBusOptions) {
    this.#options = options;
    this.#kafka = createKafkaClient(options, options.logger);
    this.#catalog = new TopicCatalog(this.#kafka);
    this.#producer = new OrderedProducer(this.#kafka);
    this.#groups = new GroupInformation({ kafka: this.#kafka, catalog: this.#catalog });
  }

  async id(): Promise<string> {
    this.#check();
    return await this.#catalog.clusterId();
  }

  async append(records: readonly BusRecord[], signal?: AbortSignal): Promise<void> {
    this.#check(signal);
    const batch = records.map((record) => ({ ...record, headers: { ...record.headers } }));
    if (batch.length === 0) return;
    const unknown = batch.map(({ topic }) => topic).filter((topic) => !this.#known.has(topic));
    if (unknown.length > 0) await this.ensureTopics(unknown);
    signal?.throwIfAborted();
    try {
      await this.#producer.send(batch, signal);
    } catch (error) {
      this.#known.clear(); // one may have been deleted
      throw error;
    }
  }

  async ensureTopics(topics: readonly string[]): Promise<void> {
    this.#check();
    const missing = await this.missingTopics(topics);
    if (missing.length > 0) await this.#catalog.create(missing, this.#options.newTopicPartitions ?? 1);
    for (const topic of topics) this.#known.add(topic);
  }

  async removeTopics(topics: readonly string[]): Promise<void> {
    this.#check();
    for (const topic of topics) this.#known.delete(topic);
    await this.#catalog.remove(topics);
  }

  async missingTopics(topics: readonly string[]): Promise<readonly string[]> {
    this.#check();
    const found = await this.#catalog.partitions();
    return [...new Set(topics)].filter((topic) => !found.has(topic));
  }

  async partitions(topic: string): Promise<readonly number[]> {
    this.#check();
    return (await this.#catalog.partitions()).get(topic) ?? this.#partitionsToBe();
  }

  async starts(topics: readonly string[]): Promise<readonly TopicPosition[]> {
    return await this.#positions(topics, 'firstOffset');
  }

  async ends(topics: readonly string[]): Promise<readonly TopicPosition[]> {
    return await this.#positions(topics, 'nextOffset');
  }

  async read(from: TopicPosition, limit: number): Promise<readonly StoredRecord[]> {
    const ends = await this.ends([from.topic]);
    const end = ends.find(({ partition }) => partition === from.partition)?.nextOffset ?? 0;
    const found: StoredRecord[] = [];
    if (limit <= 0 || end <= from.nextOffset) return found;
    const next = new NextOffsets([...ends, from]);
    const done = new AbortController();
    const isDone = (): boolean => found.length >= limit || (next.get(from.topic, from.partition) ?? 0) >= end;
    // By time, not by records: the last offsets before the end may be marks of transactions.
    const timer = setInterval(() => isDone() && done.abort(), READ_POLL_MS);
    try {
      await this.#consume({
        next,
        signal: done.signal,
        onBatch: (records) => {
          const wanted = records.filter(
            ({ partition, offset }) => partition === from.partition && offset < end,
          );
          found.push(...wanted.slice(0, limit - found.length));
          if (found.length >= limit) done.abort();
          return Promise.resolve();
        },
      });
    } finally {
      clearInterval(timer);
    }
    return found;
  }

  async commit(group: string, positions: readonly TopicPosition[], signal?: AbortSignal): Promise<void> {
    this.#check(signal);
    await this.#groups.commit(group, positions, signal);
  }

  async release(group: string, topics?: readonly string[]): Promise<void> {
    this.#check();
    await this.#groups.release(group, topics);
  }

  async groups(): Promise<readonly GroupStatus[]> {
    this.#check();
    return await this.#groups.groups();
  }

  async topics(): Promise<readonly TopicStatus[]> {
    this.#check();
    const found: TopicStatus[] = [];
    for (const topic of (await this.#catalog.partitions()).keys()) {
      if (KAFKAS_OWN.test(topic)) continue;
      const bounds = await this.#catalog.bounds(topic);
      const firstOffset = bounds.reduce((sum, bound) => sum + bound.firstOffset, 0);
      const nextOffset = bounds.reduce((sum, bound) => sum + bound.nextOffset, 0);
      found.push({ topic, firstOffset, nextOffset, records: nextOffset - firstOffset, bytes: null });
    }
    return found;
  }

  /** Unknown: brokers bound each topic by themselves (`retention.ms`, `retention.bytes`). */
  usage(): Promise<BusUsage> {
    return Promise.resolve({ bytes: null, maxBytes: null, warnBytes: null });
  }

  async consume({ from, ...options }: ConsumeOptions): Promise<void> {
    await this.#consume({ ...options, next: new NextOffsets(from) });
  }

  close(): Promise<void> {
    this.#closing.abort();
    this.#closed ??= Promise.all([this.#producer.close(), this.#catalog.close()]).then(() => undefined);
    return this.#closed;
  }

  async #consume(options: KafkaConsumeOptions): Promise<void> {
    this.#check();
    const { signal } = options;
    const stop = AbortSignal.any([signal, this.#closing.signal]);
    let failingSinceMs: number | null = null;
    const onJoined = (): void => {
      failingSinceMs = null;
    };
    while (!stop.aborted) {
      try {
        await this.#readOn(options, onJoined, stop);
      } catch (error) {
        if (!(error instanceof BusUnreachableError)) throw error;
        failingSinceMs ??= Date.now();
        if (Date.now() - failingSinceMs > PATIENCE_MS) throw error;
        this.#options.logger.debug({ error: error.message }, 'reading from Kafka begins again');
        await delay(SESSION_RETRY_MS, undefined, { signal: stop }).catch(() => undefined); // the loop sees it
      }
    }
    if (!signal.aborted) throw new BusClosedError('The bus was closed while it was being consumed.');
  }

  /** One session, until topics come or go, or it fails. */
  async #readOn(options: KafkaConsumeOptions, onJoined: () => void, stop: AbortSignal): Promise<void> {
    const { next, onBatch } = options;
    const { maxBatchRecords = DEFAULT_BATCH_RECORDS, maxBatchBytes = DEFAULT_BATCH_BYTES } = options;
    const watch = new TopicWatch(this.#catalog, next);
    const topics = await watch.present();
    await watch.refuseGone(topics);
    const over = new AbortController();
    const ending = AbortSignal.any([stop, over.signal]);
    if (topics.length === 0) {
      await watch.untilChanged(topics, () => false, ending);
      return;
    }
    const session = new ReadingSession({
      kafka: this.#kafka,
      groupPrefix: this.#options.clientId ?? 'banyan',
      topics,
      next,
      maxBatchRecords,
      maxBatchBytes,
      onBatch,
      onJoined,
      checkGap: (topic) => watch.refuseGone([topic]),
    });
    const watched = watch.untilChanged(topics, () => session.isBusy, ending).finally(() => session.stop());
    watched.catch(() => undefined); // thrown below, unless the session failed first
    ending.addEventListener('abort', () => session.stop(), { once: true }); // at once, not with the next look
    try {
      await session.run();
      if ((await watched) === 'stalled') {
        this.#options.logger.warn(
          { topics },
          'reading from Kafka stood still with records to read: it begins again',
        );
      }
    } finally {
      over.abort();
    }
  }

  async #positions(
    topics: readonly string[],
    which: 'firstOffset' | 'nextOffset',
  ): Promise<readonly TopicPosition[]> {
    this.#check();
    const found = await this.#catalog.partitions();
    const positions: TopicPosition[] = [];
    for (const topic of topics) {
      const bounds = found.has(topic) ? await this.#catalog.bounds(topic) : [];
      for (const partition of found.get(topic) ?? this.#partitionsToBe()) {
        const bound = bounds.find((place) => place.partition === partition);
        positions.push({ topic, partition, nextOffset: bound?.[which] ?? 0 });
      }
    }
    return positions;
  }

  #partitionsToBe(): readonly number[] {
    return Array.from({ length: this.#options.newTopicPartitions ?? 1 }, (_, partition) => partition);
  }

  #check(signal?: AbortSignal): void {
    signal?.throwIfAborted();
    if (this.#closing.signal.aborted) throw new BusClosedError('The bus is closed.');
  }
}

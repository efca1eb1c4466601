import { setTimeout as delay } from 'node:timers/promises';
import { heartbeatTopic, tableTopic, type SliceDefinition, type SyncReport } from '@banyan/contracts';
import type { Logger } from '@banyan/kit';
import type { Bus, StoredRecord, TopicPosition } from '../bus/bus.ts';
import { OffsetGoneError } from '../bus/bus-errors.ts';
import type { ApplyStore } from './apply-store.ts';
import { Freshness } from './freshness.ts';
import { GroupReporter } from './group-reporter.ts';
import { createLagWindow } from './lag-window.ts';
import { findLosses } from './losses.ts';
import { compileMapping, type CompiledTable } from '../rows/mapping.ts';
import { planBatch, type BatchPlan } from './plan-batch.ts';
import { Quarantine } from './quarantine/quarantine.ts';
import { keyTexts } from '../rows/record-key.ts';
import { RowRejectedError } from '../rows/reduce.ts';
import { initialStates, type TopicState } from './topic-state.ts';
import { unfitnessOf } from './unfitness.ts';

const FIRST_RETRY_MS = 100;
const LAST_RETRY_MS = 5_000;
/** A batch that takes longer than this is reported as a failure, though it may still succeed. */
const STUCK_AFTER_MS = 30_000;

/** What a consumer does on the bus. */
export type ConsumerBus = Pick<
  Bus,
  'id' | 'consume' | 'partitions' | 'starts' | 'ends' | 'commit' | 'release' | 'groups'
>;
/** Held keys that a report names, of each table. */
const SHOWN_KEYS = 10;

export interface ConsumerOptions {
  readonly slice: SliceDefinition;
  /**
   * Name of the consumer group. The bus keeps what it has not applied; the progress itself is kept in `store`. Give the
   * slice's name: by that the control plane lets the group go when the slice no longer copies anything.
   */
  readonly group: string;
  /** Stays open when the consumer closes: it belongs to the caller. */
  readonly bus: ConsumerBus;
  readonly store: ApplyStore;
  /** Topic prefix of the source, e.g. `shop`. */
  readonly prefix: string;
  readonly logger: Logger;
  /** Milliseconds since the epoch. Default `Date.now`. */
  readonly clock?: () => number;
}

/** Keeps a service's copy of a slice's tables up to date. */
export interface Consumer {
  readonly slice: SliceDefinition;
  /** The slice's tables, ready for verification requests. */
  readonly tables: readonly CompiledTable[];
  /** How the copy stands. Never throws; a consumer that makes no progress says so. */
  report(): SyncReport;
  /** Why no reader may be answered from the copy, since its rows may be missing or too old; null when nothing is. */
  unfitness(limits: { readonly maxHeartbeatAgeMs: number }): string | null;
  /** Topics of the slice on all of whose partitions this barrier was met. */
  metTopics(barrierId: string): Promise<readonly string[]>;
  /** What is held back, and the ways to let it go. */
  readonly quarantine: Quarantine;
  /** Finishes the batch in hand. Idempotent. */
  close(): Promise<void>;
}

/**
 * Starts copying: consumes the slice's table topics and the heartbeats from where the store stopped (offset 0 at
 * first), maps, and applies each batch with its progress in one transaction. Events that cannot be applied go into
 * quarantine; anything else that fails is tried again, from what was committed, for ever and with growing pauses.
 * Where records are gone from the bus, or it is another bus, the copy says `lost` and goes on from the first one kept.
 *
 * @throws StoreError when the store cannot be read at the start.
 * @example
 * const consumer = await startConsumer({ slice, group: 'reviews', bus, store, prefix: 'shop', logger });
 */
export async function startConsumer(options: ConsumerOptions): Promise<Consumer> {
  const consumer = new SliceConsumer(options);
  await consumer.load();
  consumer.start();
  return consumer;
}

class SliceConsumer implements Consumer {
  readonly slice: SliceDefinition;
  readonly tables: readonly CompiledTable[];
  readonly #options: ConsumerOptions;
  readonly #clock: () => number;
  readonly #topics: ReadonlyMap<string, CompiledTable | null>;
  readonly #stop = new AbortController();
  readonly #lag = createLagWindow();
  readonly #startedAtMs: number;
  readonly #reporter: GroupReporter;
  #busId = '';
  #states: ReadonlyMap<string, TopicState> = new Map();
  #heartbeatAtMs: number | null = null;
  readonly #freshness = new Freshness();
  #error: string | null = null;
  #retryMs = FIRST_RETRY_MS;
  #batchSinceMs: number | null = null;
  #running: Promise<void> | undefined;
  #turn: Promise<void> = Promise.resolve();
  readonly quarantine: Quarantine;

  constructor(options: ConsumerOptions) {
    this.#options = options;
    this.#clock = options.clock ?? Date.now;
    this.#startedAtMs = this.#clock();
    this.slice = options.slice;
    const { bus, group, logger } = options;
    this.#reporter = new GroupReporter({ bus, group, logger, clock: this.#clock });
    this.tables = options.slice.tables.map(compileMapping);
    this.#topics = new Map<string, CompiledTable | null>([
      ...this.tables.map((table): [string, CompiledTable] => [
        tableTopic(options.prefix, table.source),
        table,
      ]),
      [heartbeatTopic(options.prefix), null],
    ]);
    this.quarantine = new Quarantine({
      slice: options.slice,
      store: options.store,
      states: () => this.#states,
      change: (work) =>
        this.#exclusive(async () => {
          this.#states = await work(this.#states);
        }),
    });
  }

  /** One after another: whatever changes the store's progress goes by the states that the last one left. */
  async #exclusive<T>(work: () => Promise<T>): Promise<T> {
    const mine = this.#turn.then(work);
    this.#turn = mine.then(
      () => undefined,
      () => undefined, // whoever asked for that work sees its error
    );
    return await mine;
  }

  start(): void {
    this.#running ??= this.#run();
  }

  async load(): Promise<void> {
    const { bus, store, slice } = this.#options;
    const { progress, held, windows } = await store.load();
    const partitions = new Map<string, readonly number[]>();
    for (const topic of this.#topics.keys()) partitions.set(topic, await bus.partitions(topic));
    const busId = await bus.id();
    this.#busId = busId;
    this.#states = initialStates({
      slice: slice.name,
      topics: this.#topics,
      partitions,
      progress,
      held,
      windows,
      busId,
    });
  }

  report(): SyncReport {
    const { slice, group } = this.#options;
    const nowMs = this.#clock();
    const error = this.#error ?? this.#stuck(nowMs);
    return {
      slice: slice.name,
      group,
      state: this.#stop.signal.aborted ? 'stopped' : error === null ? 'running' : 'failed',
      error,
      startedAtMs: this.#startedAtMs,
      nowMs,
      tables: [...this.#states.values()].flatMap((state) =>
        state.table ? [tableReport(state, state.table, this.#reporter.ends)] : [],
      ),
      lag: this.#lag.percentiles(nowMs),
      heartbeatAtMs: this.#heartbeatAtMs,
    };
  }

  unfitness({ maxHeartbeatAgeMs }: { readonly maxHeartbeatAgeMs: number }): string | null {
    return unfitnessOf(this.#states.values(), this.#freshness, maxHeartbeatAgeMs);
  }

  async metTopics(barrierId: string): Promise<readonly string[]> {
    const met = await this.#options.store.metBarrier(barrierId);
    return [...this.#states.values()]
      .filter(({ table }) => table !== null)
      .filter(({ topic, partitions }) =>
        [...partitions.keys()].every((partition) =>
          met.some((place) => place.topic === topic && place.partition === partition),
        ),
      )
      .map(({ topic }) => topic);
  }

  async close(): Promise<void> {
    this.#stop.abort();
    await this.#running;
    await this.#reporter.close(this.#states.values());
  }

  async #run(): Promise<void> {
    const { signal } = this.#stop;
    while (!signal.aborted) {
      try {
        await this.#admitLosses();
        await this.#reporter.begin(this.#states.values());
        const from = this.#positions();
        await this.#options.bus.consume({ from, signal, onBatch: (records) => this.#onBatch(records) });
      } catch (cause) {
        // Gone while we were reading: the next turn finds out what, and says so.
        if (!(cause instanceof OffsetGoneError)) await this.#recover(cause);
      }
    }
  }

  async #onBatch(records: readonly StoredRecord[]): Promise<void> {
    this.#batchSinceMs = this.#clock();
    try {
      await this.#exclusive(() => this.#apply(records));
      this.#error = null; // a committed batch, and nothing less, shows that we are well
      this.#retryMs = FIRST_RETRY_MS;
      this.#reporter.report(this.#states.values());
    } finally {
      this.#batchSinceMs = null;
    }
  }

  /** Applies a batch; when a row is refused, its halves, in order, down to the one record that goes to quarantine. */
  async #apply(records: readonly StoredRecord[]): Promise<void> {
    try {
      await this.#commit(planBatch(records, this.#states));
    } catch (cause) {
      if (!(cause instanceof RowRejectedError)) throw cause;
      if (records.length === 1) {
        await this.#commit(planBatch(records, this.#states, cause.message));
        return;
      }
      const half = Math.ceil(records.length / 2);
      await this.#apply(records.slice(0, half));
      await this.#apply(records.slice(half));
    }
  }

  async #commit(plan: BatchPlan): Promise<void> {
    await this.#options.store.apply(plan.batch);
    this.#states = plan.states;
    const nowMs = this.#clock();
    for (const atMs of plan.committedAtMs) this.#lag.record(nowMs - atMs, nowMs);
    if (plan.heartbeatAtMs !== null) {
      this.#heartbeatAtMs = plan.heartbeatAtMs;
      this.#freshness.hear(plan.heartbeatAtMs, nowMs);
    }
    for (const { topic, offset, reason } of plan.batch.quarantine) {
      this.#options.logger.error({ topic, offset, reason }, 'record quarantined');
    }
  }

  async #recover(cause: unknown): Promise<void> {
    const { logger, slice } = this.#options;
    this.#fail(cause);
    logger.error({ slice: slice.name, error: this.#error, retryMs: this.#retryMs }, 'consuming failed');
    await delay(this.#retryMs, undefined, { signal: this.#stop.signal }).catch(() => {
      // closing: the loop sees it
    });
    this.#retryMs = Math.min(LAST_RETRY_MS, this.#retryMs * 2);
    if (this.#stop.signal.aborted) return;
    try {
      // What was committed is known to the store alone: the failure may have come after a commit.
      await this.load();
    } catch (again) {
      this.#fail(again);
    }
  }

  #fail(cause: unknown): void {
    this.#error = cause instanceof Error ? cause.message : String(cause);
  }

  #stuck(nowMs: number): string | null {
    const forMs = this.#batchSinceMs === null ? 0 : nowMs - this.#batchSinceMs;
    return forMs > STUCK_AFTER_MS ? `one batch has been in hand for ${Math.round(forMs / 1000)} s` : null;
  }

  #positions(): TopicPosition[] {
    return [...this.#states.values()].flatMap(({ partitions }) =>
      Array.from(partitions.values(), ({ topic, partition, nextOffset }) => ({
        topic,
        partition,
        nextOffset,
      })),
    );
  }

  /** Stored before anything after the gap is applied: a restart must still know. */
  async #admitLosses(): Promise<void> {
    const { bus, logger, slice } = this.#options;
    const topics = [...this.#states.keys()];
    const [starts, ends] = [await bus.starts(topics), await bus.ends(topics)];
    const losses = findLosses({ states: this.#states.values(), starts, ends, busId: this.#busId });
    if (losses.length === 0) return;
    await this.#options.store.apply({
      tables: [],
      barriers: [],
      releasedTopics: [],
      quarantine: [],
      progress: losses,
    });
    await this.load();
    for (const { topic, lost, reason } of losses) {
      if (lost) logger.error({ slice: slice.name, topic, reason }, 'the copy has missed records; it is lost');
    }
  }
}

function tableReport(
  state: TopicState,
  table: CompiledTable,
  ends: ReadonlyMap<string, number> | null,
): SyncReport['tables'][number] {
  const partitions = [...state.partitions.values()];
  const nextOffset = partitions.reduce((sum, place) => sum + place.nextOffset, 0);
  const end = ends?.get(state.topic);
  return {
    source: table.source,
    target: table.target,
    topic: state.topic,
    nextOffset,
    appliedRows: partitions.reduce((sum, { appliedRows }) => sum + appliedRows, 0),
    quarantined: state.heldCount,
    lost: partitions.some(({ lost }) => lost),
    // What was applied since it was asked for ends no earlier.
    endOffset: end === undefined ? null : Math.max(end, nextOffset),
    heldKeys: someHeldKeys(state, table),
  };
}

function someHeldKeys({ heldKeys }: TopicState, table: CompiledTable): string[][] {
  const some: string[][] = [];
  for (const key of heldKeys.keys()) {
    const texts = keyTexts(key, table);
    if (texts) some.push(texts);
    if (some.length === SHOWN_KEYS) break;
  }
  return some;
}

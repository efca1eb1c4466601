import { setTimeout as delay } from 'node:timers/promises';
import type { TopicPosition } from '../bus.ts';
import { BusUnreachableError, OffsetGoneError } from '../bus-errors.ts';
import { PartitionsChangedError } from './kafka-errors.ts';
import type { NextOffsets } from './next-offsets.ts';
import type { TopicCatalog } from './topic-catalog.ts';

/** Between two looks, while a topic is waited for and otherwise. */
const SOON_MS = 200;
const LATER_MS = 1_000;
/** The topics' first and last offsets are asked for at every so many looks. */
const LOOKS_PER_BOUNDS = 2;
/** What would make a whole copy worthless is believed only when it is still so after this time. */
const LOOK_AGAIN_MS = 1_000;

/** Looks after what kafkajs does not tell: topics that come and go, and positions that are no longer there. */
export class TopicWatch {
  readonly #catalog: TopicCatalog;
  readonly #next: NextOffsets;

  constructor(catalog: TopicCatalog, next: NextOffsets) {
    this.#catalog = catalog;
    this.#next = next;
  }

  /**
   * Topics that exist.
   *
   * @throws PartitionsChangedError when one has partitions that the reader did not name; OffsetGoneError when one is
   * gone that was read already.
   */
  async present(): Promise<readonly string[]> {
    let found = await this.#catalog.partitions();
    if (this.#deleted(found).length > 0) {
      await delay(LOOK_AGAIN_MS);
      found = await this.#catalog.partitions();
      const gone = this.#deleted(found);
      if (gone.length > 0)
        throw new OffsetGoneError(
          gone,
          gone.map((place) => ({ ...place, nextOffset: 0 })),
        );
    }
    return this.#next.topics().filter((topic) => {
      const partitions = found.get(topic);
      const numbers = this.#places(topic).map(({ partition }) => partition);
      if (partitions?.some((partition) => !numbers.includes(partition))) {
        throw new PartitionsChangedError(topic, numbers, partitions);
      }
      return partitions !== undefined;
    });
  }

  /** @throws OffsetGoneError when a position is before a topic's first record, or behind its end: another log. */
  async refuseGone(topics: readonly string[]): Promise<void> {
    if ((await this.#outside(topics)).gone.length === 0) return;
    await delay(LOOK_AGAIN_MS);
    const { gone, starts } = await this.#outside(topics);
    if (gone.length > 0) throw new OffsetGoneError(gone, starts);
  }

  /**
   * Resolves when other topics than these exist, when reading stalls, or when the signal aborts.
   * @param isBusy Whether a handler has records, so that standing still is no stall.
   * @throws as the looks do.
   */
  async untilChanged(
    topics: readonly string[],
    isBusy: () => boolean,
    ending: AbortSignal,
  ): Promise<'topics' | 'stalled' | 'ended'> {
    const isComplete = topics.length === this.#next.topics().length;
    let behindAt: string | null = null;
    for (let look = 1; ; look += 1) {
      await delay(isComplete ? LATER_MS : SOON_MS, undefined, { signal: ending }).catch(() => undefined);
      if (ending.aborted) return 'ended';
      try {
        const present = await this.present();
        if (present.length !== topics.length || present.some((topic) => !topics.includes(topic)))
          return 'topics';
        if (look % LOOKS_PER_BOUNDS !== 0) continue;
        await this.refuseGone(topics);
        const nowBehindAt = isBusy() ? null : await this.#behindAt(topics);
        if (nowBehindAt !== null && nowBehindAt === behindAt) return 'stalled';
        behindAt = nowBehindAt;
      } catch (error) {
        if (!(error instanceof BusUnreachableError)) throw error; // the session finds that out by itself
      }
    }
  }

  /** Where we stand in partitions that have more to read, as text to compare; null when in none. */
  async #behindAt(topics: readonly string[]): Promise<string | null> {
    const behind: TopicPosition[] = [];
    for (const topic of topics) {
      for (const { partition, nextOffset: end } of await this.#catalog.bounds(topic)) {
        const nextOffset = this.#next.get(topic, partition);
        if (nextOffset !== null && nextOffset < end) behind.push({ topic, partition, nextOffset });
      }
    }
    return behind.length === 0 ? null : JSON.stringify(behind);
  }

  #places(topic: string): readonly TopicPosition[] {
    return this.#next.all().filter((place) => place.topic === topic);
  }

  #deleted(found: ReadonlyMap<string, readonly number[]>): readonly TopicPosition[] {
    return this.#next.all().filter(({ topic, nextOffset }) => nextOffset > 0 && !found.has(topic));
  }

  async #outside(topics: readonly string[]): Promise<{ gone: TopicPosition[]; starts: TopicPosition[] }> {
    const gone: TopicPosition[] = [];
    const starts: TopicPosition[] = [];
    for (const topic of topics) {
      for (const { partition, firstOffset, nextOffset } of await this.#catalog.bounds(topic)) {
        const wanted = this.#next.get(topic, partition);
        if (wanted === null || (wanted >= firstOffset && wanted <= nextOffset)) continue;
        gone.push({ topic, partition, nextOffset: wanted });
        starts.push({ topic, partition, nextOffset: firstOffset });
      }
    }
    return { gone, starts };
  }
}

import type { GroupStatus, TopicStatus } from '../bus.ts';
import type { KeptBus } from './kept-bus.ts';
import { isRead, readWhole, type Retention, type RetentionOf } from './retention.ts';

/** Below this part of `maxBytes` applied records may stay for a while. */
const ROOMY_RATIO = 0.25;
/** How often topics whose records supersede each other are looked through. */
const SUPERSEDED_EVERY_MS = 60_000;
const DELETED_AT_ONCE = 500;

export interface TopicTrimmerOptions {
  readonly bus: KeptBus;
  readonly retention: RetentionOf;
  readonly maxBytes: number;
  /** Milliseconds since the epoch. */
  readonly clock: () => number;
  /** Ends it after the step in hand. */
  readonly signal: AbortSignal;
}

/** Deletes from a bus what nobody needs. */
export class TopicTrimmer {
  readonly #options: TopicTrimmerOptions;
  /** When a topic's superseded records were last looked for. */
  readonly #looked = new Map<string, number>();

  constructor(options: TopicTrimmerOptions) {
    this.#options = options;
  }

  /** Deletes what the topic's retention lets go. @param groups All that read the bus. */
  async trim(topic: TopicStatus, groups: readonly GroupStatus[]): Promise<void> {
    const { clock } = this.#options;
    const retention = this.#options.retention(topic.topic);
    const before = topic.nextOffset;
    switch (retention.kind) {
      case 'until-applied':
        if (isRead(topic.topic, groups)) {
          const isKept = retention.appliedMs > 0 && (await this.#isRoomy());
          const storedBeforeMs = isKept ? clock() - retention.appliedMs : Infinity;
          await this.delete({ topic: topic.topic, before, storedBeforeMs });
        } else {
          const storedBeforeMs = clock() - retention.unreadMs;
          await this.delete({ topic: topic.topic, before, storedBeforeMs, unreadToo: true });
        }
        return;
      case 'for-a-time': {
        const storedBeforeMs = clock() - retention.maxAgeMs;
        await this.delete({ topic: topic.topic, before, storedBeforeMs, unreadToo: true });
        return;
      }
      case 'superseded':
        await this.#dropSuperseded(topic, retention);
    }
  }

  /** Step by step, so that appends get between. @returns records deleted. */
  async delete(step: Parameters<KeptBus['deleteStep']>[0]): Promise<number> {
    let deleted = 0;
    while (!this.#options.signal.aborted) {
      const now = await this.#options.bus.deleteStep(step);
      if (now === 0) break;
      deleted += now;
    }
    return deleted;
  }

  async #dropSuperseded(
    topic: TopicStatus,
    retention: Extract<Retention, { kind: 'superseded' }>,
  ): Promise<void> {
    const { bus, clock } = this.#options;
    const nowMs = clock();
    if (nowMs - (this.#looked.get(topic.topic) ?? -Infinity) < SUPERSEDED_EVERY_MS) return;
    this.#looked.set(topic.topic, nowMs);
    const records = await readWhole(bus, topic);
    const isOld = new Map(
      records.map(({ offset, storedAtMs }) => [offset, nowMs - storedAtMs > retention.minAgeMs]),
    );
    const gone = retention.find(records).filter((offset) => isOld.get(offset));
    for (let i = 0; i < gone.length; i += DELETED_AT_ONCE) {
      await bus.deleteRecords(topic.topic, gone.slice(i, i + DELETED_AT_ONCE));
    }
  }

  async #isRoomy(): Promise<boolean> {
    const { bus, maxBytes } = this.#options;
    return ((await bus.usage()).bytes ?? 0) < maxBytes * ROOMY_RATIO;
  }
}

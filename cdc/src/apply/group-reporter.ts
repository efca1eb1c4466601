import { messageOf, type Logger } from '@banyan/kit';
import type { Bus } from '../bus/bus.ts';
import type { TopicState } from './topic-state.ts';

/** Least time between two reports: each is a write to the bus, which the feed waits for. */
const INTERVAL_MS = 1_000;

export interface GroupReporterOptions {
  readonly bus: Pick<Bus, 'commit' | 'release' | 'groups' | 'ends'>;
  readonly group: string;
  readonly clock: () => number;
  readonly logger: Logger;
}

/**
 * Tells the bus how far a consumer has applied, so that it can delete what nobody needs, and asks where topics end.
 * Beside the applying, never in it: a report that fails or is late costs room on the bus and nothing else.
 */
export class GroupReporter {
  readonly #options: GroupReporterOptions;
  #ends: ReadonlyMap<string, number> | null = null;
  #running: Promise<void> = Promise.resolve();
  #isRunning = false;
  #lastAtMs = -Infinity;
  #failed = false;

  constructor(options: GroupReporterOptions) {
    this.#options = options;
  }

  /** Offsets after the last record of each topic, summed over its partitions, when last asked; null before. */
  get ends(): ReadonlyMap<string, number> | null {
    return this.#ends;
  }

  /**
   * Registers the group before it reads, and lets go of topics that are the slice's no more. Does not throw: a copy goes
   * on without what the bus knows of it, and the reports after it tell the same.
   */
  async begin(states: Iterable<TopicState>): Promise<void> {
    await this.#trying(async () => {
      const tables = tablesOf(states);
      await this.#tell(tables);
      await this.#releaseOthers(tables);
    });
  }

  async #releaseOthers(tables: readonly TopicState[]): Promise<void> {
    const { bus, group } = this.#options;
    const known = (await bus.groups()).find(({ name }) => name === group)?.topics ?? [];
    const others = known
      .map(({ topic }) => topic)
      .filter((topic) => !tables.some((state) => state.topic === topic));
    if (others.length > 0) await bus.release(group, others);
  }

  /** Reports in the background, at most once a second. Does not throw. */
  report(states: Iterable<TopicState>): void {
    const nowMs = this.#options.clock();
    if (this.#isRunning || nowMs - this.#lastAtMs < INTERVAL_MS) return;
    this.#lastAtMs = nowMs;
    this.#start(tablesOf(states));
  }

  /** A last report, so that the bus knows what a service applied that is switched off. Idempotent. */
  async close(states: Iterable<TopicState>): Promise<void> {
    await this.#running;
    this.#start(tablesOf(states));
    await this.#running;
  }

  #start(tables: readonly TopicState[]): void {
    this.#isRunning = true;
    this.#running = this.#trying(() => this.#tell(tables)).finally(() => (this.#isRunning = false));
  }

  async #trying(telling: () => Promise<void>): Promise<void> {
    const { group, logger } = this.#options;
    try {
      await telling();
      this.#failed = false;
    } catch (cause) {
      const error = messageOf(cause);
      // Said once: the next report is due soon, and its age is seen in `banyan bus groups`.
      if (!this.#failed) logger.warn({ group, error }, 'the bus was not told how far we are');
      this.#failed = true;
    }
  }

  async #tell(tables: readonly TopicState[]): Promise<void> {
    const { bus, group } = this.#options;
    await bus.commit(group, positionsOf(tables));
    const sums = new Map<string, number>();
    for (const { topic, nextOffset } of await bus.ends(tables.map(({ topic }) => topic))) {
      sums.set(topic, (sums.get(topic) ?? 0) + nextOffset);
    }
    this.#ends = sums;
  }
}

function tablesOf(states: Iterable<TopicState>): readonly TopicState[] {
  return [...states].filter(({ table }) => table !== null);
}

function positionsOf(
  tables: readonly TopicState[],
): { topic: string; partition: number; nextOffset: number }[] {
  return tables.flatMap(({ partitions }) =>
    Array.from(partitions.values(), ({ topic, partition, nextOffset }) => ({ topic, partition, nextOffset })),
  );
}

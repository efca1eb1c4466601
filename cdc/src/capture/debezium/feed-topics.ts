import { heartbeatTopic, notificationTopic, tableTopic } from '@banyan/contracts';
import type { KafkaBus } from '../../bus/kafka/kafka-bus.ts';

interface FeedTopicsOptions {
  readonly bus: Pick<KafkaBus, 'ensureTopics' | 'missingTopics'>;
  /** Topic prefix, e.g. `shop`. */
  readonly prefix: string;
}

/**
 * The topics that a connector writes to. Banyan makes them before they are needed, and looks after them: a task of
 * Connect asks only once whether a topic is there, and waits for ever, saying RUNNING, for one that was deleted since.
 */
export class FeedTopics {
  readonly #options: FeedTopicsOptions;

  constructor(options: FeedTopicsOptions) {
    this.#options = options;
  }

  /**
   * The outbox's own topic too, though its rows are routed to others: switched off, its rows go there.
   *
   * @param tables `schema.table` of the tables in the feed.
   */
  async ensure(tables: readonly string[]): Promise<void> {
    await this.#options.bus.ensureTopics(this.#all(tables));
  }

  /**
   * Looks whether topics that were made before are gone.
   *
   * @returns why changes may be missing; null when none can. Of heartbeats none is: their topic is made again at once.
   */
  async gap(tables: readonly string[]): Promise<string | null> {
    const { bus, prefix } = this.#options;
    const heartbeats = heartbeatTopic(prefix);
    const missing = await bus.missingTopics(this.#all(tables));
    const lost = missing.filter((topic) => topic !== heartbeats);
    if (lost.length > 0) return `Kafka's topic ${lost.join(', ')} was deleted`;
    if (missing.length > 0) await bus.ensureTopics([heartbeats]);
    return null;
  }

  #all(tables: readonly string[]): readonly string[] {
    const { prefix } = this.#options;
    const ofTables = tables.map((table) => tableTopic(prefix, table));
    return [heartbeatTopic(prefix), notificationTopic(prefix), ...ofTables];
  }
}

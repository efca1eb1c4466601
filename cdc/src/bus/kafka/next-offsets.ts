import type { TopicPosition } from '../bus.ts';

/** Where a reader stands in each partition. */
export class NextOffsets {
  readonly #next = new Map<string, TopicPosition>();

  constructor(from: readonly TopicPosition[]) {
    for (const position of from) this.set(position);
  }

  get(topic: string, partition: number): number | null {
    return this.#next.get(keyOf(topic, partition))?.nextOffset ?? null;
  }

  set(position: TopicPosition): void {
    this.#next.set(keyOf(position.topic, position.partition), position);
  }

  all(): readonly TopicPosition[] {
    return [...this.#next.values()];
  }

  topics(): readonly string[] {
    return [...new Set(this.all().map(({ topic }) => topic))];
  }
}

function keyOf(topic: string, partition: number): string {
  return `${partition} ${topic}`;
}

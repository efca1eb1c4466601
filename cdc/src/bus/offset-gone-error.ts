import type { TopicPosition } from './bus.ts';

/** Records that a reader wanted are gone from the bus. Going on from the first one kept would leave a gap. */
export class OffsetGoneError extends Error {
  readonly code = 'offset-gone';
  override readonly name = 'OffsetGoneError';
  /** Where each of these topics begins now. */
  readonly starts: readonly TopicPosition[];

  constructor(wanted: readonly TopicPosition[], starts: readonly TopicPosition[]) {
    const places = wanted.map(({ topic, partition, nextOffset }) => {
      const start = starts.find((place) => place.topic === topic && place.partition === partition);
      return `${topic} at ${nextOffset} (the first record kept is ${start?.nextOffset ?? 'unknown'})`;
    });
    super(
      `Records are gone from the bus: ${places.join(', ')}. Whatever was copied from it needs a new table snapshot.`,
    );
    this.starts = starts;
  }
}

import type { TopicPosition } from '../bus/bus.ts';
import type { ProgressMove } from './apply-store.ts';
import type { TopicState } from './topic-state.ts';

/** One partition whose next record is not to be had, and where it goes on instead. */
export interface Loss extends ProgressMove {
  /** For people. */
  readonly reason: string;
}

/**
 * Compares where a store stands with what the bus holds. A copy that stands elsewhere has missed something: it goes on
 * from the first record kept, and counts as lost until a `reset` empties it for a new table snapshot. Of heartbeats
 * nothing is ever lost: the next one says the same.
 */
export function findLosses(options: {
  readonly states: Iterable<TopicState>;
  readonly starts: readonly TopicPosition[];
  readonly ends: readonly TopicPosition[];
  readonly busId: string;
}): readonly Loss[] {
  const { states, starts, ends, busId } = options;
  return [...states].flatMap(({ table, partitions }) =>
    [...partitions.values()].flatMap((place): Loss[] => {
      const start = offsetOf(starts, place);
      const end = offsetOf(ends, place);
      const reason = reasonOf(place.nextOffset, { start, end, isOther: place.busId !== busId });
      if (reason === null) return [];
      const lost = place.lost || table !== null;
      return [{ ...place, nextOffset: start, expectedOffset: place.nextOffset, lost, busId, reason }];
    }),
  );
}

function reasonOf(
  nextOffset: number,
  bus: { readonly start: number; readonly end: number; readonly isOther: boolean },
): string | null {
  if (bus.isOther) return 'the bus is another one than the copy was made from';
  if (nextOffset < bus.start) {
    return `its records from ${nextOffset} to ${bus.start - 1} were deleted before they were applied`;
  }
  return nextOffset > bus.end
    ? `the bus ends at ${bus.end}, before ${nextOffset}, up to which it was applied: an older bus came back`
    : null;
}

function offsetOf(places: readonly TopicPosition[], wanted: TopicPosition): number {
  const found = places.find(
    ({ topic, partition }) => topic === wanted.topic && partition === wanted.partition,
  );
  return found?.nextOffset ?? 0;
}

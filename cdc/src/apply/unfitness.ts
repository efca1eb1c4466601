import type { Freshness } from './freshness.ts';
import type { TopicState } from './topic-state.ts';

/** Why no reader may be answered from a copy; null when nothing stands against it. */
export function unfitnessOf(
  states: Iterable<TopicState>,
  freshness: Freshness,
  maxHeartbeatAgeMs: number,
): string | null {
  for (const { table, partitions } of states) {
    if (!table) continue;
    const places = [...partitions.values()];
    // Whatever a copy begins with, a reset or a row, moves it on.
    if (places.every(({ nextOffset }) => nextOffset === 0)) return `${table.source} was never copied`;
    if (places.some(({ lost }) => lost)) return `the copy of ${table.source} has missed records`;
  }
  const ageMs = freshness.ageMs();
  if (ageMs <= maxHeartbeatAgeMs) return null;
  const limit = `at most ${Math.round(maxHeartbeatAgeMs).toLocaleString('en-US')} ms`;
  const age = Math.round(ageMs).toLocaleString('en-US');
  return freshness.wasHeard
    ? `the last heartbeat of the feed is ${age} ms old, wanted ${limit}`
    : `no heartbeat of the feed was heard for ${age} ms, wanted ${limit}`;
}

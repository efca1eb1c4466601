import { heartbeatTopic } from '@banyan/contracts';
import { setTimeout as delay } from 'node:timers/promises';
import { withDeadline } from '@banyan/kit';
import type { Bus } from '../../bus/bus.ts';
import type { FeedHistory } from '../feed/feed-history.ts';
import type { DebeziumFeed } from './debezium-feed.ts';

const DEADLINE_MS = 5_000;
const RETRY_MS = 500;

export interface DebeziumHistoryOptions {
  readonly feed: Pick<DebeziumFeed, 'feedPosition'>;
  readonly bus: Pick<Bus, 'ends' | 'consume'>;
  /** Topic prefix, e.g. `shop`. */
  readonly prefix: string;
  /** Ends the following of heartbeats. */
  readonly signal: AbortSignal;
}

/**
 * Where Debezium's feed stands: its connector and its slot say which incarnation it is and how far it has come, and its
 * heartbeats on the bus when it was last alive. Until one has come that is not known.
 */
export function createDebeziumHistory(options: DebeziumHistoryOptions): FeedHistory {
  const { feed, signal } = options;
  let heardAtMs: number | null = null;
  void follow(options, (atMs) => {
    heardAtMs = atMs;
  });
  return {
    async sourcePosition() {
      const position = await feed.feedPosition(withDeadline(signal, DEADLINE_MS));
      return position && { ...position, heardAtMs };
    },
  };
}

/** From the end on: an older heartbeat says nothing of now. What fails is begun again: silence is what it looks like. */
async function follow(
  { bus, prefix, signal }: DebeziumHistoryOptions,
  onHeard: (atMs: number) => void,
): Promise<void> {
  while (!signal.aborted) {
    try {
      await bus.consume({
        from: await bus.ends([heartbeatTopic(prefix)]),
        onBatch(records) {
          const last = records.at(-1);
          if (last) onHeard(last.storedAtMs);
          return Promise.resolve();
        },
        signal,
      });
    } catch {
      await delay(RETRY_MS, undefined, { signal }).catch(() => undefined); // the loop sees the abort
    }
  }
}

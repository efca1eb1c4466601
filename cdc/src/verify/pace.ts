import { setTimeout as delay } from 'node:timers/promises';
import type { ServiceCopy } from './service-client/copy.ts';

const FIRST_PAUSE_MS = 100;
const LAST_PAUSE_MS = 5_000;
const LOOK_INTERVAL_MS = 500;

/** How hard a verification may press on the shop's database and the service. */
export interface PaceLimits {
  /** Rows of the source a second, at most; null for as fast as it goes. */
  readonly maxRowsPerSecond: number | null;
  /** It backs off while half of the last minute's changes took longer from commit to apply. Milliseconds. */
  readonly maxLagMs: number;
  /** It backs off while the service takes longer to say how its copy stands. Milliseconds. */
  readonly maxServiceLatencyMs: number;
}

/** Default: as fast as it goes, while lag is under 2 s and the service answers within 250 ms. */
export const defaultPaceLimits: PaceLimits = {
  maxRowsPerSecond: null,
  maxLagMs: 2_000,
  maxServiceLatencyMs: 250,
};

/** Time as a pace needs it; a fake one in tests. */
export interface PaceClock {
  nowMs(): number;
  sleep(ms: number, signal: AbortSignal): Promise<void>;
}

const systemPaceClock: PaceClock = {
  nowMs: () => performance.now(),
  sleep: (ms, signal) => delay(ms, undefined, { signal }),
};

/**
 * Holds a verification up. Under pressure it makes pauses that double from 100 ms to 5 s, and reads one page after
 * each: it becomes slow, and never stands still.
 *
 * @returns what to await before each page of `rows` rows.
 */
export function createPace(options: {
  readonly limits: PaceLimits;
  readonly copy: Pick<ServiceCopy, 'sync'>;
  readonly signal: AbortSignal;
  readonly clock?: PaceClock;
}): (rows: number) => Promise<void> {
  const { limits, copy, signal, clock = systemPaceClock } = options;
  let freeAtMs = clock.nowMs();
  let lookAtMs = freeAtMs;
  let pauseMs = 0;

  const isUnderPressure = async (): Promise<boolean> => {
    const askedMs = clock.nowMs();
    const { lag } = await copy.sync(signal);
    const latencyMs = clock.nowMs() - askedMs;
    return latencyMs > limits.maxServiceLatencyMs || (lag !== null && lag.p50Ms > limits.maxLagMs);
  };
  return async (rows) => {
    if (pauseMs > 0 || clock.nowMs() >= lookAtMs) {
      const next = Math.min(LAST_PAUSE_MS, Math.max(FIRST_PAUSE_MS, pauseMs * 2));
      pauseMs = (await isUnderPressure()) ? next : 0;
      lookAtMs = clock.nowMs() + LOOK_INTERVAL_MS;
      if (pauseMs > 0) await clock.sleep(pauseMs, signal);
    }
    if (limits.maxRowsPerSecond === null) return;
    const waitMs = freeAtMs - clock.nowMs();
    if (waitMs > 0) await clock.sleep(waitMs, signal);
    freeAtMs = Math.max(freeAtMs, clock.nowMs()) + (rows / limits.maxRowsPerSecond) * 1_000;
  };
}

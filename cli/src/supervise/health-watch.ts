import { setTimeout as sleep } from 'node:timers/promises';
import { withDeadline } from '@banyan/kit';

export interface HealthWatchOptions {
  /** Asks once whether the process answers. May throw, which is a no. */
  readonly ask: (signal: AbortSignal) => Promise<boolean>;
  /** Silence after which it hangs, milliseconds; 0: it is watched, and never said to hang. */
  readonly limitMs: number;
  /** Told each change: for how long it has not answered, milliseconds; null when it answers again. */
  readonly onSilent: (silentMs: number | null) => void;
  /** Told once when the limit is over; the watch ends with it. */
  readonly onHung: (silentMs: number) => void;
  /** Pause between two questions. Default 3,000. */
  readonly everyMs?: number;
  /** Time for an answer. Default 5,000. */
  readonly deadlineMs?: number;
}

/** So many unanswered questions at least: one or two may be lost on a busy machine. */
const MIN_MISSES = 3;

/**
 * Asks a process again and again whether it answers, until the signal says stop. A question during which we ourselves
 * stood still (a laptop that slept, a stopped supervisor) says nothing about it, and begins the count anew.
 */
export async function watchHealth(options: HealthWatchOptions, signal: AbortSignal): Promise<void> {
  const { ask, limitMs, onSilent, onHung, everyMs = 3_000, deadlineMs = 5_000 } = options;
  let sinceMs: number | null = null;
  let misses = 0;
  while (await paused(everyMs, signal)) {
    const askedAtMs = performance.now();
    const answers = await ask(withDeadline(signal, deadlineMs)).catch(() => false);
    if (signal.aborted) return;
    const nowMs = performance.now();
    const wasAsleep = nowMs - askedAtMs > 2 * deadlineMs;
    if (answers || wasAsleep) {
      if (sinceMs !== null) onSilent(null);
      sinceMs = null;
      misses = 0;
      continue;
    }
    sinceMs ??= askedAtMs;
    misses += 1;
    const silentMs = nowMs - sinceMs;
    onSilent(silentMs);
    if (limitMs > 0 && misses >= MIN_MISSES && silentMs >= limitMs) {
      onHung(silentMs);
      return;
    }
  }
}

async function paused(timeMs: number, signal: AbortSignal): Promise<boolean> {
  await sleep(timeMs, undefined, { signal, ref: false }).catch(() => undefined); // stopped: told by the signal
  return !signal.aborted;
}

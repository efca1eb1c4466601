import { setTimeout as delay } from 'node:timers/promises';

/** How long the pauses between tries are. */
export interface BackoffOptions {
  /** The first pause at most, milliseconds. */
  readonly firstMs: number;
  /** Every later pause at most, milliseconds. */
  readonly lastMs: number;
  /** 0 to 1. Default `Math.random`. */
  readonly random?: () => number;
}

/**
 * Pauses between tries of something that fails: their limit doubles up to `lastMs`, and each is somewhere between nothing
 * and its limit ("full jitter"), so that many who lost the same server do not come back all at once.
 */
export class Backoff {
  readonly #options: BackoffOptions;
  #failures = 0;

  constructor(options: BackoffOptions) {
    this.#options = options;
  }

  /** Nothing has failed since the last success. */
  get isFresh(): boolean {
    return this.#failures === 0;
  }

  /** The next pause at most, milliseconds. */
  get limitMs(): number {
    const { firstMs, lastMs } = this.#options;
    return Math.min(firstMs * 2 ** this.#failures, lastMs);
  }

  /** The pause before the next try, milliseconds. Each call counts as a failure. */
  nextMs(): number {
    const { random = Math.random } = this.#options;
    const pauseMs = random() * this.limitMs;
    this.#failures += 1;
    return pauseMs;
  }

  /** It succeeded: the next pause is a first one. */
  reset(): void {
    this.#failures = 0;
  }

  /** Waits for the next pause. @returns false when the signal ended it: do not try again. */
  async wait(signal: AbortSignal): Promise<boolean> {
    await delay(this.nextMs(), undefined, { signal }).catch(() => undefined); // only the abort, which is answered
    return !signal.aborted;
  }
}

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
  #limitMs: number;

  constructor(options: BackoffOptions) {
    this.#options = options;
    this.#limitMs = options.firstMs;
  }

  /** The pause before the next try, milliseconds. Each call counts as a failure. */
  nextMs(): number {
    const { lastMs, random = Math.random } = this.#options;
    const pauseMs = random() * this.#limitMs;
    this.#limitMs = Math.min(this.#limitMs * 2, lastMs);
    return pauseMs;
  }

  /** It succeeded: the next pause is a first one. */
  reset(): void {
    this.#limitMs = this.#options.firstMs;
  }

  /** Waits for the next pause. @returns false when the signal ended it: do not try again. */
  async wait(signal: AbortSignal): Promise<boolean> {
    await delay(this.nextMs(), undefined, { signal }).catch(() => undefined); // only the abort, which is answered
    return !signal.aborted;
  }
}

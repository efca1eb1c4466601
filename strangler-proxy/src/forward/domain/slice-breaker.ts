/**
 * `closed`: requests go through, and failures in a row are counted. `open`: they go elsewhere, until it is time for one
 * to try. `probing`: that one is under way, the others still go elsewhere.
 */
type State =
  | { readonly kind: 'closed'; readonly failures: number }
  | { readonly kind: 'open'; readonly sinceMs: number }
  | { readonly kind: 'probing'; readonly sinceMs: number };

/** As reports and metrics show it. `half-open`: one request may try, or does. */
export type BreakerState = 'closed' | 'open' | 'half-open';

/** What an exchange says of the service. A cancel is neither failure nor success: the service is not to blame. */
export type Verdict = 'success' | 'failure' | 'cancel';

/** A request that the breaker let through; hand it back with how it ended. */
export interface BreakerTicket {
  readonly isProbe: boolean;
}

export interface BreakerOptions {
  /** Failures in a row that open it. Default 5. */
  readonly consecutiveFailures?: number | undefined;
  /** Time until one request is let through to try, in milliseconds. Default 2,000. */
  readonly halfOpenAfterMs?: number | undefined;
  /** A clock that never goes back, in milliseconds. */
  readonly nowMs: () => number;
}

const CLOSED: State = { kind: 'closed', failures: 0 };

/** Keeps reads away from a service that keeps failing, but for one request now and then that tries. */
export class SliceBreaker {
  readonly #consecutiveFailures: number;
  readonly #halfOpenAfterMs: number;
  readonly #nowMs: () => number;
  #state: State = CLOSED;

  constructor({ consecutiveFailures = 5, halfOpenAfterMs = 2_000, nowMs }: BreakerOptions) {
    this.#consecutiveFailures = consecutiveFailures;
    this.#halfOpenAfterMs = halfOpenAfterMs;
    this.#nowMs = nowMs;
  }

  get state(): BreakerState {
    switch (this.#state.kind) {
      case 'closed':
        return 'closed';
      case 'open':
        return this.#isTryable(this.#state) ? 'half-open' : 'open';
      case 'probing':
        return 'half-open';
    }
  }

  /** True while a request had better go elsewhere. Changes nothing. */
  get isBlocking(): boolean {
    if (this.#state.kind === 'closed') return false;
    return this.#state.kind === 'probing' || !this.#isTryable(this.#state);
  }

  /** Call right before the request is sent. */
  begin(): BreakerTicket {
    const state = this.#state;
    if (state.kind !== 'open' || !this.#isTryable(state)) return { isProbe: false };
    this.#state = { kind: 'probing', sinceMs: state.sinceMs };
    return { isProbe: true };
  }

  end({ isProbe }: BreakerTicket, verdict: Verdict): void {
    const state = this.#state;
    if (state.kind === 'closed') {
      if (verdict === 'success') this.#state = CLOSED;
      if (verdict === 'failure') this.#state = this.#afterFailure(state.failures + 1);
    } else if (isProbe) {
      if (verdict === 'success') this.#state = CLOSED;
      else if (verdict === 'failure') this.#state = { kind: 'open', sinceMs: this.#nowMs() };
      else this.#state = { kind: 'open', sinceMs: state.sinceMs }; // the next one may try at once
    }
    // While it is open only the probe counts: other requests began before it opened.
  }

  #afterFailure(failures: number): State {
    if (failures < this.#consecutiveFailures) return { kind: 'closed', failures };
    return { kind: 'open', sinceMs: this.#nowMs() };
  }

  #isTryable({ sinceMs }: { readonly sinceMs: number }): boolean {
    return this.#nowMs() - sinceMs >= this.#halfOpenAfterMs;
  }
}

/** One breaker a slice, kept when routes change. */
export type BreakerOf = (slice: string) => SliceBreaker;

/** @param options The same for all slices. */
export function createBreakers(options: BreakerOptions): BreakerOf {
  const breakers = new Map<string, SliceBreaker>();
  return (slice) => {
    let breaker = breakers.get(slice);
    if (!breaker) breakers.set(slice, (breaker = new SliceBreaker(options)));
    return breaker;
  };
}

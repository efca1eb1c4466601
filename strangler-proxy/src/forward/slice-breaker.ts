import { circuitBreaker, CircuitState, ConsecutiveBreaker, handleAll } from 'cockatiel';
import type { SliceBreaker } from '../ports.ts';

export interface BreakerOptions {
  /** Failures in a row that open it. Default 5. */
  readonly consecutiveFailures?: number;
  /** Time until one request is let through to try, in milliseconds. Default 2,000. */
  readonly halfOpenAfterMs?: number;
}

class ServiceFailedError extends Error {
  readonly code = 'service-failed';
  override readonly name = 'ServiceFailedError';
}

/**
 * cockatiel's circuit breaker, told outcomes after the fact. Its `execute` would make requests wait for the one that
 * tries a half-open service; here they go to the monolith meanwhile.
 */
export function createSliceBreaker(options: BreakerOptions = {}): SliceBreaker {
  const { consecutiveFailures = 5, halfOpenAfterMs = 2_000 } = options;
  const policy = circuitBreaker(handleAll, {
    halfOpenAfter: halfOpenAfterMs,
    breaker: new ConsecutiveBreaker(consecutiveFailures),
  });
  let openedAtMs = 0;
  policy.onBreak(() => {
    openedAtMs = Date.now(); // cockatiel's own clock, which it does not show
  });
  let isProbing = false;

  const isClosed = (): boolean => policy.state === CircuitState.Closed;
  const isTryable = (): boolean => Date.now() - openedAtMs >= halfOpenAfterMs;

  function record(outcome: 'success' | 'failure'): void {
    const run = (): void => {
      if (outcome === 'failure') throw new ServiceFailedError('the service failed');
    };
    policy.execute(run).catch(() => undefined); // rejects with the failure just recorded, or since it is open anyway
  }

  return {
    get state() {
      if (isClosed()) return 'closed';
      return isProbing || isTryable() ? 'half-open' : 'open';
    },
    get isBlocking() {
      return !isClosed() && (isProbing || !isTryable());
    },
    begin() {
      const isProbe = !isClosed() && !isProbing && isTryable();
      if (isProbe) isProbing = true;
      return { isProbe };
    },
    end({ isProbe }, outcome) {
      if (isProbe) isProbing = false;
      // While open only the probe's outcome counts: others began before it opened.
      if (outcome !== 'cancel' && (isProbe || isClosed())) record(outcome);
    },
  };
}

import type { Verdict } from './slice-breaker.ts';

/**
 * `refused`: no connection, so the upstream saw nothing. `reset`: the connection ended before an answer.
 * `deadline`: no answer in time. `protocol`: the answer was no HTTP, or none that may be passed on.
 * `request`: the request cannot be forwarded. `overload`: it was never tried, since the proxy has as many requests at
 * this upstream as it may, or no more sockets; nothing of it says anything about the upstream.
 */
export type ForwardFailure = 'refused' | 'reset' | 'deadline' | 'protocol' | 'request' | 'overload';

/** How one exchange with an upstream ended, for the client and for the books. */
export type ForwardOutcome =
  /** The client got the whole answer. `headersMs` is the time until its headers came. */
  | { readonly kind: 'answered'; readonly status: number; readonly headersMs: number }
  /** Its status was turned down: nothing was sent to the client. */
  | { readonly kind: 'refused'; readonly status: number; readonly headersMs: number }
  /** No answer came: nothing was sent to the client. */
  | { readonly kind: 'failed'; readonly failure: ForwardFailure; readonly error: Error }
  /** The upstream died within the body; the client's connection was cut, so that he can tell. */
  | { readonly kind: 'broken'; readonly status: number; readonly headersMs: number }
  /**
   * The client went away first. `hasGivenUp`: he had waited long for the answer's headers, with his own part done, so
   * it is the upstream that failed him; else he just left.
   */
  | { readonly kind: 'cancelled'; readonly hasGivenUp: boolean };

/** True when the upstream was not even asked, to spare it. */
export const isShed = (outcome: ForwardOutcome): boolean =>
  outcome.kind === 'failed' && outcome.failure === 'overload';

/**
 * What an exchange says of the upstream. Failures: 500 and above, no (whole) answer, and a client who gave up waiting.
 * Neither: a client who left, and what never reached the upstream for a reason of ours or the client's.
 */
export function judge(outcome: ForwardOutcome): Verdict {
  switch (outcome.kind) {
    case 'answered':
      return outcome.status >= 500 ? 'failure' : 'success';
    case 'failed':
      return outcome.failure === 'request' || isShed(outcome) ? 'cancel' : 'failure';
    case 'refused':
    case 'broken':
      return 'failure';
    case 'cancelled':
      return outcome.hasGivenUp ? 'failure' : 'cancel';
  }
}

import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Withhold } from '../routes/domain/withheld-headers.ts';

/** How one exchange with an upstream ended. */
export type ForwardOutcome =
  /** The client got the whole answer. `headersMs` is the time until its headers came. */
  | { readonly kind: 'answered'; readonly status: number; readonly headersMs: number }
  /** `refuses` turned the status down: nothing was sent to the client. */
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

/**
 * `refused`: no connection, so the upstream saw nothing. `reset`: the connection ended before an answer.
 * `deadline`: no answer in time. `protocol`: the answer was no HTTP, or none that may be passed on.
 * `request`: the request cannot be forwarded. `overload`: it was never tried, since the proxy has as many requests at
 * this upstream as it may, or no more sockets; nothing of it says anything about the upstream.
 */
export type ForwardFailure = 'refused' | 'reset' | 'deadline' | 'protocol' | 'request' | 'overload';

export interface ForwardOptions {
  /** Time for the response headers after the request's last byte, in milliseconds. A second try has it anew. */
  readonly deadlineMs: number;
  /** Headers to add to the request, as name, value, name, value. */
  readonly requestHeaders?: readonly string[];
  /** What of the client's headers goes upstream; the name is in lower case. Default: all that is not the proxy's own. */
  readonly withhold?: Withhold;
  /**
   * Headers to add to the response, asked for when the upstream's are there (the second argument); each list is name,
   * value, name, value.
   */
  readonly responseHeaders?: (status: number, upstream: readonly string[]) => readonly string[];
  /** True for a status that must not reach the client, who will be answered by another upstream. */
  readonly refuses?: (status: number) => boolean;
}

/**
 * What carries a request to an upstream and its answer back: the one place that knows how bytes move. Bodies and
 * trailers pass untouched both ways as they come, and so do `100 Continue` and `103 Early Hints`; connection-level
 * headers are dealt with here.
 *
 * A request is sent a second time, on a new connection, only when the first one ended before a byte of an answer, and
 * it cannot have been carried out (its head did not get out), or may be carried out twice: a safe method, or an
 * idempotent one on a connection that had been kept (RFC 9110 9.2.2, RFC 9112 9.3.1); and none of its body was read.
 */
export interface DataPlane {
  /** @param origin Scheme, host and port of the upstream. @returns Never rejects. */
  forward(
    request: IncomingMessage,
    response: ServerResponse,
    origin: string,
    options: ForwardOptions,
  ): Promise<ForwardOutcome>;
  /** Ends whatever is still under way, and the connections. Idempotent. */
  close(): Promise<void>;
}

/** True when the request announces a body (RFC 9112 6.3). */
export const hasBody = ({ headers }: IncomingMessage): boolean =>
  headers['transfer-encoding'] !== undefined ||
  (headers['content-length'] !== undefined && headers['content-length'] !== '0');

/** True when the upstream was not even asked, to spare it. */
export const isShed = (outcome: ForwardOutcome): boolean =>
  outcome.kind === 'failed' && outcome.failure === 'overload';

/**
 * What an exchange says of the upstream. Failures: 500 and above, no (whole) answer, and a client who gave up waiting.
 * Neither: a client who left, and what never reached the upstream for a reason of ours or the client's.
 */
export function judge(outcome: ForwardOutcome): 'success' | 'failure' | 'cancel' {
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

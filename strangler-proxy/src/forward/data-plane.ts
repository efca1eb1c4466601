import type { IncomingMessage } from 'node:http';
import type { Readable } from 'node:stream';
import type { Withhold } from '../routes/domain/withheld-headers.ts';
import type { ForwardOutcome } from './domain/forward-outcome.ts';

/** An upstream's answer: its head, and its body as it comes. Whoever holds it reads the body to its end or destroys it. */
export interface UpstreamAnswer {
  readonly kind: 'answer';
  /** 200 to 999. */
  readonly status: number;
  /** The reason phrase. */
  readonly statusText: string;
  /** As sent, order, letter case and duplicates kept; name, value, name, value. */
  readonly headers: readonly string[];
  /** Time until the headers came, in milliseconds. */
  readonly headersMs: number;
  /**
   * The body's bytes, without transfer coding and with backpressure: who does not read holds the upstream up. `error`
   * when it broke off; to destroy it lets go of the upstream's connection.
   */
  readonly body: Readable;
  /** True once the last byte of it has come, read or not. */
  readonly isComplete: boolean;
  /** As sent, known once it is complete; name, value, name, value. */
  readonly trailers: readonly string[];
}

/** No answer came, and nothing of one. */
export type NoAnswer = Extract<ForwardOutcome, { readonly kind: 'failed' | 'cancelled' }>;

/** Whoever waits for an answer, and may go away: an `AbortSignal` without its objects, which each request would pay for. */
export interface Waiter {
  readonly isGone: boolean;
  /** Called when he goes away. Only one can be told at a time. */
  onGone: (() => void) | null;
}

export interface ForwardOptions {
  /** Time for the response headers after the request's last byte, in milliseconds. A second try has it anew. */
  readonly deadlineMs: number;
  /** Who waits for the answer. */
  readonly waiter: Waiter;
  /** Hears of `100 Continue`, `103 Early Hints` and their like; headers are name, value, name, value. Default: nobody. */
  readonly onInformation?: (status: number, headers: readonly string[]) => void;
  /** Headers to add to the request, as name, value, name, value. */
  readonly requestHeaders?: readonly string[];
  /** What of the client's headers goes upstream; the name is in lower case. Default: all that is not the proxy's own. */
  readonly withhold?: Withhold | undefined;
}

/**
 * What carries a request to an upstream and brings its answer: the one place that knows how bytes move there. A body
 * passes untouched as it comes, with its trailers; connection-level headers of the request are dealt with here.
 *
 * Several upstreams take turns. Where no connection comes to be, the next one is asked. A request is sent a second time
 * to the same one, on a new connection, only when the first ended before a byte of an answer, and it cannot have been
 * carried out (its head did not get out), or may be carried out twice: a safe method, or an idempotent one on a
 * connection that had been kept (RFC 9110 9.2.2, RFC 9112 9.3.1). Neither happens once some of its body was read.
 */
export interface DataPlane {
  /** @param upstreams Scheme, host and port of each; at least one. @returns Never rejects. */
  forward(
    request: IncomingMessage,
    upstreams: readonly string[],
    options: ForwardOptions,
  ): Promise<UpstreamAnswer | NoAnswer>;
  /** Ends whatever is still under way, and the connections. Idempotent. */
  close(): Promise<void>;
}

/** True when the request announces a body (RFC 9112 6.3). */
export const hasBody = ({ headers }: IncomingMessage): boolean =>
  headers['transfer-encoding'] !== undefined ||
  (headers['content-length'] !== undefined && headers['content-length'] !== '0');

import type { ClientRequest, IncomingMessage, ServerResponse } from 'node:http';
import type { DataPlane, ForwardOptions, ForwardOutcome } from './data-plane.ts';
import { Exchange, type ExchangeLimits, type TryOutcome } from './exchange.ts';
import { trustedAddresses } from './forwarded-headers.ts';
import { requestHead, type RequestHead } from './request-head.ts';
import { readUpstreamTls, type UpstreamTls } from './upstream-tls.ts';
import { Upstream } from './upstream.ts';

export interface DataPlaneOptions extends Partial<ExchangeLimits> {
  /** Name of this proxy in Via; no spaces or commas. */
  readonly pseudonym: string;
  /** Requests under way at one upstream at most; further ones fail at once (`overload`). Default Infinity. */
  readonly maxOutstanding?: number;
  /** Idle time after which a connection is closed where the upstream names none, in milliseconds. Default 4,000. */
  readonly keepAliveMs?: number;
  /** Size of an answer's head at most, in bytes. Default 65,536. */
  readonly maxHeaderBytes?: number;
  /** Default: the authorities that Node knows, and certificates by the host in the upstream's URL. */
  readonly tls?: UpstreamTls;
  /** Addresses or subnets of proxies in front whose X-Forwarded-* are believed. Default none. */
  readonly trustedProxies?: readonly string[];
}

const OVERLOAD = new Error('as many requests are at this upstream as may be');
const SAFE = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE']);
const IDEMPOTENT = new Set([...SAFE, 'PUT', 'DELETE']); // RFC 9110 9.2.2

/** The data plane over Node's own HTTP/1.1 client: keep-alive, one request at a time on a connection. */
export function createHttpDataPlane(options: DataPlaneOptions): DataPlane {
  const { pseudonym, maxOutstanding = Infinity, keepAliveMs = 4_000, maxHeaderBytes = 65_536 } = options;
  const { connectTimeoutMs = 2_000, bodyIdleTimeoutMs = 60_000, giveUpAfterMs = 1_000 } = options;
  const limits = { connectTimeoutMs, bodyIdleTimeoutMs, giveUpAfterMs };
  const tls = options.tls ?? readUpstreamTls({});
  const trusted = trustedAddresses(options.trustedProxies ?? []);
  const upstreams = new Map<string, Upstream>();

  function upstreamOf(origin: string): Upstream {
    let upstream = upstreams.get(origin);
    if (!upstream) {
      upstream = new Upstream({ origin, tls, keepAliveMs, maxHeaderBytes });
      upstreams.set(origin, upstream);
    }
    return upstream;
  }

  async function carry(
    request: IncomingMessage,
    response: ServerResponse,
    upstream: Upstream,
    forwardOptions: ForwardOptions,
  ): Promise<ForwardOutcome> {
    const attempt = (upstreamRequest: ClientRequest): Promise<TryOutcome> =>
      new Promise((done) => {
        const { isTls } = upstream;
        new Exchange({ request, response, upstreamRequest, isTls, options: forwardOptions, limits, done });
      });
    let head: RequestHead;
    let first: ClientRequest;
    try {
      const { requestHeaders: extra = [], withhold } = forwardOptions;
      head = requestHead(request, { pseudonym, trusted, extra, withhold });
      if (!SAFE.has(head.method)) upstream.dropStale();
      first = upstream.start(head);
    } catch (error) {
      // It must not be sent, or Node's client will not send it; no connection was taken.
      return { kind: 'failed', failure: 'request', error: error as Error };
    }
    const { outcome, isUnsent } = await attempt(first);
    const isReset = outcome.kind === 'failed' && outcome.failure === 'reset';
    if (!isReset || request.readableDidRead || response.destroyed) return outcome;
    const mayRunTwice = SAFE.has(head.method) || (first.reusedSocket && IDEMPOTENT.has(head.method));
    if (!isUnsent && !mayRunTwice) return outcome;
    if (first.reusedSocket) upstream.dropIdle(); // it was the freshest
    return (await attempt(upstream.start(head))).outcome;
  }

  return {
    async forward(request, response, origin, forwardOptions) {
      // He left while it was decided where his request goes; `close` will not be heard any more.
      if (response.destroyed) return { kind: 'cancelled', hasGivenUp: false };
      const upstream = upstreamOf(origin);
      if (upstream.outstanding >= maxOutstanding) {
        return { kind: 'failed', failure: 'overload', error: OVERLOAD };
      }
      upstream.outstanding += 1;
      try {
        return await carry(request, response, upstream, forwardOptions);
      } finally {
        upstream.outstanding -= 1;
      }
    },
    close() {
      for (const upstream of upstreams.values()) upstream.close();
      return Promise.resolve();
    },
  };
}

import type { IncomingMessage } from 'node:http';
import type { DataPlane, ForwardOptions, NoAnswer, UpstreamAnswer } from './data-plane.ts';
import { Turns } from './domain/turns.ts';
import { Exchange, type ExchangeLimits, type TryResult } from './exchange.ts';
import { trustedAddresses } from './client-address.ts';
import { requestHead, type RequestHead } from './request-head.ts';
import { readUpstreamTls, type UpstreamTls } from './upstream-tls.ts';
import { Upstream } from './upstream.ts';

/** All but the first have defaults. */
export interface DataPlaneOptions {
  /** Name of this proxy in Via; no spaces or commas. */
  readonly pseudonym: string;
  /** Time to connect, TLS included, in milliseconds. Default 2,000. */
  readonly connectTimeoutMs?: number | undefined;
  /** Longest silence within an answer's body, in milliseconds. Default 60,000. */
  readonly bodyIdleTimeoutMs?: number | undefined;
  /** Wait for an answer after which a client who leaves has given up, in milliseconds. Default 1,000. */
  readonly giveUpAfterMs?: number | undefined;
  /** Requests under way at one upstream at most; further ones fail at once (`overload`). Default Infinity. */
  readonly upstreamMaxOutstanding?: number | undefined;
  /** Idle time after which a connection is closed where the upstream names none, in milliseconds. Default 4,000. */
  readonly upstreamKeepAliveMs?: number | undefined;
  /** Size of an answer's head at most, in bytes. Default 65,536. */
  readonly upstreamMaxHeaderBytes?: number | undefined;
  /** Default: the authorities that Node knows, and certificates by the host in the upstream's URL. */
  readonly tls?: UpstreamTls;
  /** Addresses or subnets of proxies in front whose X-Forwarded-* are believed. Default none. */
  readonly trustedProxies?: readonly string[] | undefined;
  /** Whose turn it is where there are several upstreams. Default: its own. */
  readonly turns?: Turns;
}

const OVERLOADED: NoAnswer = {
  kind: 'failed',
  failure: 'overload',
  error: new Error('as many requests are at this upstream as may be'),
};
const SAFE = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE']);
const IDEMPOTENT = new Set([...SAFE, 'PUT', 'DELETE']); // RFC 9110 9.2.2

/** A request that may be sent to several upstreams, one after the other. */
interface Sending {
  readonly request: IncomingMessage;
  readonly head: RequestHead;
  readonly options: ForwardOptions;
}

/** The data plane over Node's own HTTP/1.1 client: keep-alive, one request at a time on a connection. */
export class HttpDataPlane implements DataPlane {
  readonly #options: DataPlaneOptions;
  readonly #limits: ExchangeLimits;
  readonly #tls: UpstreamTls;
  readonly #headSettings: Pick<Parameters<typeof requestHead>[1], 'pseudonym' | 'trusted'>;
  readonly #turns: Turns;
  readonly #upstreams = new Map<string, Upstream>();

  constructor(options: DataPlaneOptions) {
    const { pseudonym, trustedProxies = [] } = options;
    const { connectTimeoutMs = 2_000, bodyIdleTimeoutMs = 60_000, giveUpAfterMs = 1_000 } = options;
    this.#options = options;
    this.#limits = { connectTimeoutMs, bodyIdleTimeoutMs, giveUpAfterMs };
    this.#tls = options.tls ?? readUpstreamTls({});
    this.#headSettings = { pseudonym, trusted: trustedAddresses(trustedProxies) };
    this.#turns = options.turns ?? new Turns({ nowMs: () => performance.now() });
  }

  async forward(
    request: IncomingMessage,
    upstreams: readonly string[],
    options: ForwardOptions,
  ): Promise<UpstreamAnswer | NoAnswer> {
    // He left while it was decided where his request goes.
    if (options.waiter.isGone) return { kind: 'cancelled', hasGivenUp: false };
    let sending: Sending;
    try {
      const { requestHeaders: extra = [], withhold } = options;
      sending = { request, options, head: requestHead(request, { ...this.#headSettings, extra, withhold }) };
    } catch (error) {
      return { kind: 'failed', failure: 'request', error: error as Error }; // it must not be sent
    }
    let reply: UpstreamAnswer | NoAnswer = OVERLOADED;
    for (const origin of this.#turns.of(upstreams)) {
      const upstream = this.#upstreamOf(origin);
      if (upstream.outstanding >= (this.#options.upstreamMaxOutstanding ?? Infinity)) continue;
      const result = await this.#send(sending, upstream);
      ({ reply } = result);
      const isUnreachable = result.isUnconnected && reply.kind === 'failed' && reply.failure !== 'overload';
      if (!isUnreachable) break;
      this.#turns.rest(origin);
      if (request.readableDidRead) break;
    }
    return reply;
  }

  close(): Promise<void> {
    for (const upstream of this.#upstreams.values()) upstream.close();
    return Promise.resolve();
  }

  /** To one upstream, and once more where that may be. */
  async #send(sending: Sending, upstream: Upstream): Promise<TryResult> {
    const { request, head, options } = sending;
    if (!SAFE.has(head.method)) upstream.dropStale();
    const first = this.#try(sending, upstream);
    const result = await first.result;
    const isReset = result.reply.kind === 'failed' && result.reply.failure === 'reset';
    if (!isReset || request.readableDidRead || options.waiter.isGone) return result;
    const mayRunTwice = SAFE.has(head.method) || (first.isReused() && IDEMPOTENT.has(head.method));
    if (!result.isUnsent && !mayRunTwice) return result;
    if (first.isReused()) upstream.dropIdle(); // it was the freshest
    return this.#try(sending, upstream).result;
  }

  #try(
    { request, head, options }: Sending,
    upstream: Upstream,
  ): { readonly result: Promise<TryResult>; readonly isReused: () => boolean } {
    let upstreamRequest: ReturnType<Upstream['start']>;
    try {
      upstreamRequest = upstream.start(head);
    } catch (error) {
      // Node's client will not send it; no connection was taken.
      const reply: NoAnswer = { kind: 'failed', failure: 'request', error: error as Error };
      return {
        result: Promise.resolve({ reply, isUnconnected: false, isUnsent: true }),
        isReused: () => false,
      };
    }
    upstream.outstanding += 1;
    const { isTls } = upstream;
    const limits = this.#limits;
    const onOver = (): void => {
      upstream.outstanding -= 1;
    };
    const result = new Promise<TryResult>((onResult) => {
      new Exchange({ request, upstreamRequest, isTls, options, limits, onResult, onOver });
    });
    return { result, isReused: () => upstreamRequest.reusedSocket };
  }

  #upstreamOf(origin: string): Upstream {
    let upstream = this.#upstreams.get(origin);
    if (!upstream) {
      const { upstreamKeepAliveMs = 4_000, upstreamMaxHeaderBytes = 65_536 } = this.#options;
      const limits = { keepAliveMs: upstreamKeepAliveMs, maxHeaderBytes: upstreamMaxHeaderBytes };
      upstream = new Upstream({ origin, tls: this.#tls, ...limits });
      this.#upstreams.set(origin, upstream);
    }
    return upstream;
  }
}

import {
  Agent as HttpAgent,
  request as httpRequest,
  type ClientRequest,
  type RequestOptions,
} from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import type { Duplex } from 'node:stream';
import { IdleLimit } from './domain/idle-limit.ts';
import type { RequestHead } from './request-head.ts';
import type { UpstreamTls } from './upstream-tls.ts';

/** Idle connections kept at most; more are closed as they fall idle. */
const MAX_IDLE_CONNECTIONS = 1_024;
/** Answers' hints at longer idle times are cut to this: a firewall between forgets connections without a word. */
const MAX_KEEP_ALIVE_MS = 60_000;
/** How often idle connections are looked through. */
const SWEEP_MS = 500;
/** A hint counts from the upstream's last byte, and in whole seconds. */
const HINT_MARGIN_MS = 1_000;

export interface UpstreamOptions {
  /** Scheme, host and port. */
  readonly origin: string;
  readonly tls: UpstreamTls;
  /** Idle time after which a connection is closed where the upstream names none, in milliseconds. */
  readonly keepAliveMs: number;
  /** Size of an answer's head at most, in bytes. */
  readonly maxHeaderBytes: number;
}

/** What Node keeps of a request on its connection: private there, and the only way to the answer from here. */
interface HoldsRequest {
  readonly _httpMessage?: { readonly res?: { readonly headers: Record<string, string | undefined> } } | null;
}

/** Idle time that an answer's `Keep-Alive: timeout=<seconds>` allows, in milliseconds; null without one. */
function hintedMs({ _httpMessage }: HoldsRequest): number | null {
  const seconds = /(?:^|[\s,;])timeout=(\d+)/i.exec(_httpMessage?.res?.headers['keep-alive'] ?? '')?.[1];
  if (seconds === undefined) return null;
  const ms = Number(seconds) * 1_000;
  return Math.min(Math.max(ms - HINT_MARGIN_MS, ms / 2), MAX_KEEP_ALIVE_MS);
}

/**
 * One upstream's connections, over Node's agent: as many as there are requests, the one used last first. None is kept
 * for longer than the upstream does, as it says or as its closings have taught.
 */
export class Upstream {
  /** Requests under way. */
  outstanding = 0;
  readonly isTls: boolean;
  readonly #agent: HttpAgent;
  readonly #target: Pick<RequestOptions, 'host' | 'port' | 'agent' | 'maxHeaderSize'>;
  readonly #keepAliveMs: number;
  readonly #idleLimit = new IdleLimit();
  /** Idle connections, the freshest last. A timer on each would be wound up at each of its reads and writes. */
  readonly #idle = new Map<Duplex, { readonly sinceMs: number; readonly untilMs: number }>();
  readonly #known = new WeakSet<Duplex>();
  #sweeper: NodeJS.Timeout | null = null;

  constructor({ origin, tls, keepAliveMs, maxHeaderBytes }: UpstreamOptions) {
    const { protocol, hostname, port } = new URL(origin);
    const host = hostname.replace(/^\[|\]$/g, ''); // an IPv6 address
    this.isTls = protocol === 'https:';
    const kept = { keepAlive: true, maxFreeSockets: MAX_IDLE_CONNECTIONS };
    this.#agent = this.isTls
      ? new HttpsAgent({
          ...kept,
          servername: tls.serverNameOf(host),
          ...(tls.ca !== undefined && { ca: [...tls.ca] }),
        })
      : new HttpAgent(kept);
    this.#target = {
      host,
      port: port === '' ? (this.isTls ? 443 : 80) : port,
      agent: this.#agent,
      maxHeaderSize: maxHeaderBytes,
    };
    this.#keepAliveMs = keepAliveMs;
    this.#watchConnections();
  }

  /**
   * Begins a request; its head goes out with the first byte written, or at its end.
   *
   * @throws Error when Node will not send such a head; no connection is taken then.
   */
  start(head: RequestHead): ClientRequest {
    this.#dropOutlived();
    const started = (this.isTls ? httpsRequest : httpRequest)({ ...this.#target, ...head });
    started.maxHeadersCount = 0; // Node would drop those beyond the thousandth without a word; their size is limited
    return started;
  }

  /** Lets go of connections that the upstream may be about to close. Call before a request that cannot be sent again. */
  dropStale(): void {
    const nowMs = performance.now();
    const safeMs = this.#idleLimit.safeMs(nowMs);
    if (safeMs === Infinity) return;
    for (const [socket, { sinceMs }] of this.#idle) {
      if (nowMs - sinceMs <= safeMs) return; // those after it are fresher
      this.#drop(socket);
    }
  }

  /** Lets go of all idle connections: the freshest was found dead. */
  dropIdle(): void {
    for (const socket of this.#idle.keys()) this.#drop(socket);
  }

  close(): void {
    this.#idle.clear();
    if (this.#sweeper) clearTimeout(this.#sweeper);
    this.#agent.destroy();
  }

  #drop(socket: Duplex): void {
    this.#idle.delete(socket);
    socket.destroy();
  }

  #dropOutlived(): void {
    const nowMs = performance.now();
    for (const [socket, { untilMs }] of this.#idle) {
      if (nowMs < untilMs) return;
      this.#drop(socket);
    }
  }

  readonly #sweep = (): void => {
    this.#dropOutlived();
    this.#sweeper = this.#idle.size > 0 ? setTimeout(this.#sweep, SWEEP_MS).unref() : null;
  };

  /** Takes part in Node's agent where it is meant to be done: as connections fall idle, and are used again. */
  #watchConnections(): void {
    const agent = this.#agent;
    const reuse = agent.reuseSocket.bind(agent);
    agent.keepSocketAlive = (socket) => {
      const idleMs = hintedMs(socket as HoldsRequest) ?? this.#keepAliveMs;
      if (idleMs === 0) return false;
      if (!this.#known.has(socket)) this.#watch(socket);
      const sinceMs = performance.now();
      this.#idle.set(socket, { sinceMs, untilMs: sinceMs + idleMs });
      this.#sweeper ??= setTimeout(this.#sweep, SWEEP_MS).unref();
      return true;
    };
    agent.reuseSocket = (socket, request) => {
      reuse(socket, request);
      const idle = this.#idle.get(socket);
      if (!idle) return;
      this.#idle.delete(socket);
      const nowMs = performance.now();
      const idleMs = nowMs - idle.sinceMs;
      if (idleMs <= this.#idleLimit.safeMs(nowMs)) return; // teaches nothing
      request.once('response', () => this.#idleLimit.sawUsed(idleMs));
    };
  }

  /** Learns from a connection that ends while it is idle, and was not let go by us. */
  #watch(socket: Duplex): void {
    this.#known.add(socket);
    socket.once('close', () => {
      const idle = this.#idle.get(socket);
      if (!idle) return;
      this.#idle.delete(socket);
      const nowMs = performance.now();
      this.#idleLimit.sawClosed(nowMs - idle.sinceMs, nowMs);
    });
  }
}

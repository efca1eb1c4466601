import type { ClientRequest, IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { createProxyServer } from 'httpxy';
import type { Withhold } from '../routes/domain/withheld-headers.ts';
import type { ForwardFailure, ForwardOutcome } from './domain/forward-outcome.ts';
import type { Turns } from './domain/turns.ts';
import { upstreamRequestHeaders, type RequestHeaderOptions } from './forwarded-headers.ts';
import { answerFailureOf, connectFailureOf } from './upstream-failure.ts';
import type { UpstreamTls } from './upstream-tls.ts';

/** A client's request for a WebSocket, and the connection on which it came. */
export interface WebSocketRequest {
  readonly request: IncomingMessage;
  readonly socket: Socket;
  /** What the client sent behind the request's head. */
  readonly head: Buffer;
}

export interface TunnelOptions {
  /** Scheme, host and port of each upstream; the one whose turn it is gets it. */
  readonly upstreams: readonly string[];
  /** Headers to add to the request; name, value, name, value. */
  readonly extra: readonly string[];
  /** What of the client's headers goes upstream. Default: all that is not the proxy's own. */
  readonly withhold?: Withhold | undefined;
  /** Time for the upstream's answer, milliseconds. */
  readonly deadlineMs: number;
  /** No answer came. Called at the last moment in which the client can be told. */
  readonly onFailed: (outcome: Failed) => void;
}

type Failed = Extract<ForwardOutcome, { kind: 'failed' }>;

/** Opens a WebSocket at an upstream and joins the two connections; either's end is the other's. */
export type OpenTunnel = (asked: WebSocketRequest, options: TunnelOptions) => Promise<ForwardOutcome>;

function asObject(headers: readonly string[]): Record<string, string | string[]> {
  const object: Record<string, string | string[]> = { connection: 'Upgrade', upgrade: 'websocket' };
  for (let i = 0; i + 1 < headers.length; i += 2) {
    const name = (headers[i] ?? '').toLowerCase();
    const before = object[name];
    const value = headers[i + 1] ?? '';
    object[name] = before === undefined ? value : [before, value].flat();
  }
  return object;
}

function targetOf(origin: string): { protocol: string; hostname: string; port: string } {
  const { protocol, hostname, port } = new URL(origin);
  // Without brackets: they belong to the URL, not to the address.
  return { protocol, hostname: hostname.replace(/^\[(.*)\]$/, '$1'), port };
}

function failureOf(error: Error): ForwardFailure {
  const { syscall } = error as NodeJS.ErrnoException;
  return syscall === 'connect' || syscall === 'getaddrinfo'
    ? connectFailureOf(error)
    : answerFailureOf(error);
}

export interface TunnelSettings extends Pick<RequestHeaderOptions, 'pseudonym' | 'trusted'> {
  /** Trusts upstreams by https as the data plane does. */
  readonly tls: UpstreamTls;
  readonly turns: Turns;
}

/**
 * Opens tunnels at the upstream whose turn it is. There is no second try: httpxy ends the client's connection with the
 * first one that fails. He comes back, and meets another.
 */
export function createTunnelOpener({ tls, turns, pseudonym, trusted }: TunnelSettings): OpenTunnel {
  return async (asked, { upstreams, deadlineMs, onFailed, extra, withhold }) => {
    const [origin = ''] = turns.of(upstreams);
    const headers = upstreamRequestHeaders(asked.request, { pseudonym, trusted, extra, withhold });
    const outcome = await open(asked, { origin, headers, deadlineMs, onFailed }, tls);
    if (outcome.kind === 'failed' && outcome.failure === 'refused') turns.rest(origin);
    return outcome;
  };
}

interface Tunnel extends Pick<TunnelOptions, 'deadlineMs' | 'onFailed'> {
  readonly origin: string;
  readonly headers: readonly string[];
}

/**
 * The tunnel over httpxy, which http-proxy-middleware wraps. It answers the client in the upstream's name: 101, or
 * whatever the upstream says instead.
 *
 * @returns How the handshake ended. Never rejects.
 */
function open(
  { request, socket, head }: WebSocketRequest,
  { origin, headers, deadlineMs, onFailed }: Tunnel,
  tls: UpstreamTls,
): Promise<ForwardOutcome> {
  const target = targetOf(origin);
  // One a tunnel, so that its events are this tunnel's alone.
  const proxy = createProxyServer({
    target,
    // By the upstream's own name; without one it would be the client's Host.
    ssl: { servername: tls.serverNameOf(target.hostname), ...(tls.ca !== undefined && { ca: [...tls.ca] }) },
  });
  const startedAtMs = performance.now();
  return new Promise((resolve) => {
    let isOver = false;
    const end = (outcome: ForwardOutcome): void => {
      if (isOver) return;
      isOver = true;
      clearTimeout(deadline);
      if (outcome.kind === 'failed') onFailed(outcome);
      resolve(outcome);
    };
    const answered = (status: number): void =>
      end({ kind: 'answered', status, headersMs: performance.now() - startedAtMs });
    let deadline: NodeJS.Timeout | undefined;
    // Nobody reads from the client until the tunnel is open, and only who reads sees him go.
    const noticeEnd = (): void => {
      if (socket.readableLength === 0) socket.destroy();
    };
    socket.on('readable', noticeEnd);
    proxy.once('proxyReqWs', (upstreamRequest: ClientRequest) => {
      deadline = setTimeout(() => {
        end({ kind: 'failed', failure: 'deadline', error: new Error('no answer in time') });
        upstreamRequest.destroy();
      }, deadlineMs);
      upstreamRequest.once('upgrade', () => {
        socket.off('readable', noticeEnd);
        answered(101);
      });
      upstreamRequest.once('response', ({ statusCode = 502 }) => answered(statusCode));
      socket.once('close', () => {
        end({ kind: 'cancelled', hasGivenUp: false });
        upstreamRequest.destroy();
      });
    });
    proxy.once('open', (upstream: Socket) => {
      // Soon, not at once: what was said last is still on its way.
      upstream.once('close', () => socket.destroySoon());
      socket.once('close', () => upstream.destroySoon());
      if (socket.destroyed) upstream.destroy();
    });
    // Also of errors later on, which end both connections and change nothing any more.
    proxy.on('error', (error: Error) => {
      if (socket.destroyed) end({ kind: 'cancelled', hasGivenUp: false });
      else end({ kind: 'failed', failure: failureOf(error), error });
    });
    const asUpgrade = {
      method: 'GET',
      url: request.url,
      headers: asObject(headers),
      httpVersionMajor: 1,
      socket,
    };
    proxy
      .ws(asUpgrade as unknown as IncomingMessage, socket, {}, head)
      .catch((error: unknown) => end({ kind: 'failed', failure: 'protocol', error: error as Error }));
  });
}

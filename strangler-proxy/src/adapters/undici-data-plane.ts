import { PassThrough } from 'node:stream';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { Agent } from 'undici';
import {
  hasBody,
  type DataPlane,
  type ForwardOptions,
  type ForwardOutcome,
} from '../use-cases/data-plane.ts';
import { Exchange } from './exchange.ts';
import { trustedAddresses, upstreamRequestHeaders } from './forwarded-headers.ts';

export interface DataPlaneOptions {
  /** Name of this proxy in Via; no spaces or commas. */
  readonly pseudonym: string;
  /** Time to connect, in milliseconds. Default 2,000. */
  readonly connectTimeoutMs?: number;
  /** Longest silence within a response body, in milliseconds. Default 60,000. */
  readonly bodyIdleTimeoutMs?: number;
  /** Connections to one upstream at most; further requests wait for one. Default 256. */
  readonly connections?: number;
  /** Addresses or subnets of proxies in front whose X-Forwarded-* are believed. Default none. */
  readonly trustedProxies?: readonly string[];
}

/** The data plane over undici's HTTP/1.1 client: keep-alive, one request at a time on a connection. */
export function createUndiciDataPlane(options: DataPlaneOptions): DataPlane {
  const { pseudonym, connectTimeoutMs = 2_000, bodyIdleTimeoutMs = 60_000, connections = 256 } = options;
  const trusted = trustedAddresses(options.trustedProxies ?? []);
  const agent = new Agent({
    connections,
    pipelining: 1,
    allowH2: false,
    connect: { timeout: connectTimeoutMs },
    headersTimeout: 0, // the exchange has a timer of its own, exact to the millisecond
    bodyTimeout: bodyIdleTimeoutMs,
  });
  let closed: Promise<void> | undefined;

  function forward(
    request: IncomingMessage,
    response: ServerResponse,
    origin: string,
    forwardOptions: ForwardOptions,
  ): Promise<ForwardOutcome> {
    // He left while it was decided where his request goes; `close` will not be heard any more.
    if (response.destroyed) return Promise.resolve({ kind: 'cancelled' });
    const extra = forwardOptions.requestHeaders ?? [];
    const { withhold } = forwardOptions;
    const headers = upstreamRequestHeaders(request, { pseudonym, trusted, extra, withhold });
    // A stream between, since undici destroys the body it is given, and with it the client's connection.
    const body = hasBody(request) ? new PassThrough() : null;
    if (body) {
      body.on('error', () => undefined); // whoever destroyed it has said why
      request.pipe(body);
    }
    return new Promise((resolve) => {
      agent.dispatch(
        { origin, path: request.url ?? '/', method: request.method ?? 'GET', headers, body },
        new Exchange({ request, response, body, options: forwardOptions, done: resolve }),
      );
    });
  }

  return {
    forward,
    close() {
      closed ??= agent.destroy();
      return closed;
    },
  };
}

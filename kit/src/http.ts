import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { Connections } from './connections.ts';
import { answerBrokenRequest, guard, type HttpHandler } from './guard.ts';
import { silentLogger, type Logger } from './log.ts';
import { sendRawAnswer } from './raw-answer.ts';
import { UploadPace } from './upload-pace.ts';
import { urlOf } from './url-of.ts';

export type { HttpHandler } from './guard.ts';

/** Takes over a connection that asks for WebSocket. What it throws ends that connection. */
export type UpgradeHandler = (request: IncomingMessage, socket: Socket, head: Buffer) => unknown;

export interface Listening {
  /** `http://127.0.0.1:PORT`; an IPv6 address stands in brackets. */
  readonly url: string;
  readonly port: number;
  readonly server: Server;
  /**
   * Refuses new connections, lets requests in flight finish for `graceMs`, then ends them. Ends as soon as the last is
   * done. Idempotent.
   */
  close(): Promise<void>;
}

export interface ListenOptions {
  /** 0 for a free one. */
  readonly port: number;
  /** Default 127.0.0.1. */
  readonly host?: string;
  /** How long requests in flight may go on at `close()`, milliseconds. Default 5,000. */
  readonly graceMs?: number;
  /** Hears of handlers that failed, and of connections that could not be accepted. Default silent. */
  readonly log?: Logger;
  /** Most bytes of a request's head. Default 32,768: as much as nginx takes. */
  readonly maxHeaderBytes?: number;
  /** Time for a request's head, milliseconds. Default 60,000. */
  readonly headersTimeoutMs?: number;
  /** Longest silence on a connection with a request under way, milliseconds; 0 for any. Default 0. */
  readonly idleTimeoutMs?: number;
  /** How long a connection is kept for a next request, milliseconds. Default 5,000. */
  readonly keepAliveTimeoutMs?: number;
  /** Slowest pace of a request's body, over 20 s; 0 for any. Default 500, as Apache's. */
  readonly minUploadBytesPerSecond?: number;
  /** Gets requests with `Expect: 100-continue`. Default: Node answers it, and the handler gets the request. */
  readonly onExpectContinue?: HttpHandler;
  /** Gets GET requests that ask for WebSocket. Default: they are requests like any other. */
  readonly onWebSocket?: UpgradeHandler;
}

/** True for a request that RFC 6455 4.1 describes. Offers of other protocols are passed over (RFC 9110 7.8). */
function isWebSocket({ method, httpVersion, headers }: IncomingMessage): boolean {
  return (
    method === 'GET' &&
    httpVersion === '1.1' &&
    headers.upgrade?.toLowerCase() === 'websocket' &&
    headers['transfer-encoding'] === undefined &&
    (headers['content-length'] ?? '0') === '0'
  );
}

/**
 * Starts an HTTP server that no request ends: whatever a handler throws is answered with 500, a request that cannot be
 * read with 400, and a connection that cannot be accepted is logged.
 *
 * @throws Error with code EADDRINUSE when the port is taken.
 */
export async function listen(handler: HttpHandler, options: ListenOptions): Promise<Listening> {
  const { port, host = '127.0.0.1', graceMs = 5_000, log = silentLogger } = options;
  const connections = new Connections();
  const pace = new UploadPace({
    minBytesPerSecond: options.minUploadBytesPerSecond ?? 500,
    onTooSlow({ socket }) {
      if (connections.responseOn(socket)?.headersSent === false) {
        sendRawAnswer(socket, { status: 408, message: 'The request body came too slowly.' });
      } else socket.destroy();
    },
  });
  const server = createServer({
    maxHeaderSize: options.maxHeaderBytes ?? 32_768,
    headersTimeout: options.headersTimeoutMs ?? 60_000,
    requestTimeout: 0, // a long upload is no fault; a slow one is, and `pace` finds it
    keepAliveTimeout: options.keepAliveTimeoutMs ?? 5_000,
    connectionsCheckingInterval: 5_000,
    ...(options.onWebSocket && { shouldUpgradeCallback: isWebSocket }),
  });
  server.maxHeadersCount = 0; // their bytes are limited; Node would drop what is above a number, unsaid
  server.timeout = options.idleTimeoutMs ?? 0;

  const serving = (handle: HttpHandler): HttpHandler => {
    const guarded = guard(handle, log);
    return (request, response) => {
      connections.begin(request, response);
      pace.watch(request);
      response.once('close', () => pace.forget(request));
      guarded(request, response);
    };
  };
  server.on('connection', (socket: Duplex) => connections.add(socket));
  server.on('request', serving(handler));
  if (options.onExpectContinue) server.on('checkContinue', serving(options.onExpectContinue));
  server.on('clientError', (error: NodeJS.ErrnoException, socket: Duplex) =>
    answerBrokenRequest(error, socket, connections.responseOn(socket)),
  );
  takeWebSockets(server, { onWebSocket: options.onWebSocket, connections, log });
  await startListening(server, port, host);
  // Such as EMFILE: the next connection may be accepted again.
  server.on('error', (error) => log.error({ err: error }, 'a connection could not be accepted'));

  const { port: bound } = server.address() as AddressInfo;
  let closed: Promise<void> | undefined;
  return {
    url: urlOf({ host, port: bound }),
    port: bound,
    server,
    close() {
      closed ??= new Promise((resolve) => {
        const limit = setTimeout(() => connections.destroyAll(), graceMs);
        server.close(() => {
          clearTimeout(limit);
          pace.close();
          resolve();
        });
        connections.drain();
      });
      return closed;
    },
  };
}

function takeWebSockets(
  server: Server,
  options: {
    readonly onWebSocket: UpgradeHandler | undefined;
    readonly connections: Connections;
    readonly log: Logger;
  },
): void {
  const { onWebSocket, connections, log } = options;
  if (!onWebSocket) return; // without a listener Node serves them as requests
  // On a server of http it is always a socket of net.
  server.on('upgrade', (request: IncomingMessage, socket: Socket, head: Buffer) => {
    connections.handOver(socket);
    socket.on('error', (error) => log.debug({ err: error }, 'a WebSocket connection broke'));
    const fail = (error: unknown): void => {
      log.error({ err: error }, 'a WebSocket connection could not be served');
      socket.destroy();
    };
    try {
      Promise.resolve(onWebSocket(request, socket, head)).catch(fail);
    } catch (error) {
      fail(error);
    }
  });
}

async function startListening(server: Server, port: number, host: string): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () => {
      server.off('error', reject);
      resolve();
    });
  });
}

import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Logger } from '@banyan/kit';
import { parseRequestTarget } from '../domain/request-target.ts';
import type { RoutingTable } from '../domain/routing-table.ts';
import type { Traffic } from '../use-cases/traffic.ts';
import { sendProblem, type ProblemPage } from './error-page.ts';
import type { RequestServer } from './serve-request.ts';

export interface PublicHandlerOptions {
  readonly requestServer: RequestServer;
  /** Routes in use; null with none. */
  readonly routes: () => RoutingTable | null;
  readonly isLoop: (request: IncomingMessage) => boolean;
  readonly traffic: Traffic;
  readonly log: Logger;
  readonly isClosing: () => boolean;
}

/** Longer than a balancer in front keeps a connection, so that it is not the proxy that ends it in mid-use. */
const KEEP_ALIVE_MS = 65_000;
/** A client that neither reads nor sends for this long is let go. */
const IDLE_CLIENT_MS = 120_000;

const PROXY_FAILED = { status: 500, code: 'proxy-failed', message: 'Something went wrong here.' };

/** What is wrong with a request whatever its path, or null. */
function faultOf(request: IncomingMessage, isLoop: PublicHandlerOptions['isLoop']): ProblemPage | null {
  const { upgrade } = request.headers;
  // h2c is offered by ordinary clients, who go on with HTTP/1.1 when it is not taken up (RFC 9110 7.8).
  if (upgrade !== undefined && upgrade.toLowerCase() !== 'h2c') {
    return {
      status: 501,
      code: 'upgrade-not-supported',
      message: 'Upgrades such as WebSocket do not pass here yet.',
    };
  }
  if (request.method === 'TRACE') {
    // It would show a client what the proxy sends in his name.
    return { status: 405, code: 'method-not-allowed', message: 'TRACE is not served here.' };
  }
  if (isLoop(request)) {
    return { status: 508, code: 'loop', message: 'This request came back to the proxy that sent it.' };
  }
  return null;
}

/** Checks what comes in from the public, and hands what is sound to the request server. */
export function createPublicHandler(options: PublicHandlerOptions): {
  readonly handle: (request: IncomingMessage, response: ServerResponse) => void;
  /** Sets the server's limits, and leaves `Expect: 100-continue` to the upstream. */
  readonly attach: (server: Server) => void;
} {
  const { requestServer, routes, isLoop, traffic, log, isClosing } = options;

  function serve(request: IncomingMessage, response: ServerResponse): void {
    traffic.requests += 1;
    if (isClosing()) response.shouldKeepAlive = false;
    const target = parseRequestTarget(request.url ?? '');
    if (!target.ok) {
      const message = `This address cannot be served: ${target.problem}.`;
      sendProblem(request, response, { status: 400, code: 'bad-request-target', message });
      return;
    }
    const fault = faultOf(request, isLoop);
    if (fault) {
      if (fault.status >= 500) traffic.clientErrors += 1;
      sendProblem(request, response, fault);
      return;
    }
    requestServer.serve(request, response, { table: routes(), path: target.path }).catch((error: unknown) => {
      log.error({ err: error }, 'a request failed in the proxy itself');
      traffic.clientErrors += 1;
      if (response.headersSent) response.destroy();
      else sendProblem(request, response, PROXY_FAILED);
    });
  }

  return {
    handle: serve,
    attach(server) {
      server.on('checkContinue', serve); // else Node would answer in the upstream's name
      server.keepAliveTimeout = KEEP_ALIVE_MS;
      server.timeout = IDLE_CLIENT_MS;
    },
  };
}

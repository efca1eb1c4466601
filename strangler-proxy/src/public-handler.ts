import type { IncomingMessage, ServerResponse } from 'node:http';
import type { HttpHandler, Logger, UpgradeHandler } from '@banyan/kit';
import type { DataPathProbe } from './admin/data-path-probe.ts';
import { parseRequestTarget } from './routes/domain/request-target.ts';
import type { RoutingTable } from './routes/domain/routing-table.ts';
import type { Traffic } from './report/traffic.ts';
import type { ClientLimits } from './server/client-limits.ts';
import { Client } from './server/client.ts';
import { sendProblemTo, type ProblemPage } from './server/error-page.ts';
import { faultOf } from './server/request-fault.ts';
import type { RequestServer } from './serve-request.ts';
import type { WebSocketServer } from './serve-web-socket.ts';

export interface PublicHandlerOptions {
  readonly requestServer: RequestServer;
  readonly webSocketServer: WebSocketServer;
  /** Routes in use; null with none. */
  readonly routes: () => RoutingTable | null;
  /** Name of this proxy in Via. */
  readonly pseudonym: string;
  readonly limits: ClientLimits;
  readonly probe: Pick<DataPathProbe, 'isOwn' | 'serve'>;
  readonly traffic: Traffic;
  readonly log: Logger;
}

const PROXY_FAILED = { status: 500, code: 'proxy-failed', message: 'Something went wrong here.' };
const TOO_MANY = {
  status: 429,
  code: 'too-many-requests',
  message: 'Too many requests of yours are under way. Please try again in a moment.',
  headers: ['retry-after', '1'],
};

/** A request that may go on. */
interface Admitted {
  readonly table: RoutingTable | null;
  /** As sent. */
  readonly path: string;
  /** Call when it is over. */
  readonly leave: () => void;
}

/** Checks what comes in from the public, and hands what is sound to the request server. */
export function createPublicHandler(options: PublicHandlerOptions): {
  /** `Expect: 100-continue` included, which is the upstream's to answer. */
  readonly handle: HttpHandler;
  readonly handleWebSocket: UpgradeHandler;
} {
  const { requestServer, webSocketServer, routes, pseudonym, limits, probe, traffic, log } = options;

  function admit(request: IncomingMessage): Admitted | ProblemPage {
    const target = parseRequestTarget(request.url ?? '');
    if (!target.ok) {
      const message = `This address cannot be served: ${target.problem}.`;
      return { status: 400, code: 'bad-request-target', message };
    }
    const fault = faultOf(request, pseudonym);
    if (fault) return fault;
    const leave = limits.enter(request);
    return leave ? { table: routes(), path: target.path, leave } : TOO_MANY;
  }

  function refuse(page: ProblemPage): ProblemPage {
    if (page.status >= 500) traffic.clientErrors += 1;
    return page;
  }

  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const client = new Client(request, response);
    if (probe.isOwn(request)) return probe.serve(client);
    traffic.requests += 1;
    const admitted = admit(request);
    if ('status' in admitted) {
      client.sendProblem(refuse(admitted));
      return;
    }
    response.once('close', admitted.leave);
    try {
      await requestServer.serve(client, admitted);
    } catch (error) {
      log.error({ err: error }, 'a request failed in the proxy itself');
      client.sendProblem(refuse(PROXY_FAILED));
    }
  }

  return {
    handle: serve,
    async handleWebSocket(request, socket, head) {
      traffic.requests += 1;
      const admitted = admit(request);
      if ('status' in admitted) {
        sendProblemTo(socket, request, refuse(admitted));
        return;
      }
      socket.once('close', admitted.leave);
      await webSocketServer.serve({ request, socket, head }, admitted);
    },
  };
}

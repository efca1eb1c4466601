import { IDENTITY_HEADER, type SliceRoutes } from '@banyan/contracts';
import { judge, type ForwardOutcome } from './forward/domain/forward-outcome.ts';
import type { OpenWebSockets } from './forward/open-web-sockets.ts';
import type { OpenTunnel, WebSocketRequest } from './forward/web-socket-tunnel.ts';
import type { Withhold } from './routes/domain/withheld-headers.ts';
import { matchRequest, type Asked, type Match } from './routes/match-request.ts';
import { sendProblemTo } from './server/error-page.ts';
import { isOurFault, problemOf } from './server/upstream-problem.ts';
import type { ServingParts } from './serve-request.ts';

export interface WebSocketParts extends Omit<ServingParts, 'dataPlane' | 'log'> {
  readonly openTunnel: OpenTunnel;
  readonly openWebSockets: OpenWebSockets;
}

interface To {
  readonly upstreams: readonly string[];
  readonly deadlineMs: number;
  readonly extra: readonly string[];
  readonly withhold?: Withhold | undefined;
}

/** Takes WebSockets to the side that a read of their path is decided for. */
export class WebSocketServer {
  readonly #parts: WebSocketParts;

  constructor(parts: WebSocketParts) {
    this.#parts = parts;
  }

  /** Returns once it is open, or refused. */
  async serve(asked: WebSocketRequest, route: Asked): Promise<void> {
    const { visitors, plan, traffic, openWebSockets, accessLog } = this.#parts;
    const match = matchRequest(asked.request, route);
    const { table, slice } = match;
    const visit = visitors.read(asked.request, table?.snapshot.visitors ?? null);
    const share = slice && traffic.shareCountsOf(slice);
    const { decision, identityToken } = await plan(match, visit);
    const outcome =
      slice && decision.target === 'service'
        ? await this.#askService(asked, { match, slice, identityToken })
        : await this.#askMonolith(asked, match);
    if (outcome.kind === 'answered' && outcome.status === 101 && !asked.socket.destroyed) {
      openWebSockets.add({
        socket: asked.socket,
        slice: slice?.name ?? null,
        target: decision.target,
      });
    }
    traffic.countExchange(slice, decision.target, outcome);
    traffic.countServed(slice, decision, { outcome, share });
    if (isOurFault(outcome)) traffic.clientErrors += 1;
    accessLog?.info(
      { method: 'GET', slice: slice?.name ?? null, ...decision, outcome: outcome.kind, isWebSocket: true },
      'request',
    );
  }

  async #askService(
    asked: WebSocketRequest,
    to: { readonly match: Match; readonly slice: SliceRoutes; readonly identityToken: string | null },
  ): Promise<ForwardOutcome> {
    const { match, slice, identityToken } = to;
    const breaker = this.#parts.breakerOf(slice.name);
    const ticket = breaker.begin();
    const outcome = await this.#open(asked, {
      upstreams: slice.upstreams,
      deadlineMs: slice.serviceDeadlineMs,
      extra: identityToken === null ? [] : [IDENTITY_HEADER, identityToken],
      withhold: match.table?.withhold,
    });
    // Without a fallback: httpxy ends the client's connection. He comes back, and meets the breaker.
    breaker.end(ticket, judge(outcome));
    return outcome;
  }

  #askMonolith(asked: WebSocketRequest, { table }: Match): Promise<ForwardOutcome> {
    const { upstreams, deadlineMs } = this.#parts.monolithWithoutSnapshot;
    return this.#open(asked, {
      upstreams: table?.snapshot.monolithUpstreams ?? upstreams,
      deadlineMs: table?.snapshot.monolithDeadlineMs ?? deadlineMs,
      extra: [],
    });
  }

  #open(asked: WebSocketRequest, to: To): Promise<ForwardOutcome> {
    const { request, socket } = asked;
    // He left while it was decided.
    if (socket.destroyed) return Promise.resolve({ kind: 'cancelled', hasGivenUp: false });
    return this.#parts.openTunnel(asked, {
      ...to,
      onFailed: ({ failure }) => sendProblemTo(socket, request, problemOf(failure)),
    });
  }
}

import { IDENTITY_HEADER, type SliceRoutes } from '@banyan/contracts';
import type { RequestHeaderOptions } from './forward/forwarded-headers.ts';
import { upstreamRequestHeaders } from './forward/forwarded-headers.ts';
import type { OpenTunnel, WebSocketRequest } from './forward/web-socket-tunnel.ts';
import type { RoutingTable } from './routes/domain/routing-table.ts';
import type { Withhold } from './routes/domain/withheld-headers.ts';
import { isShed, judge, type ForwardOutcome } from './forward/data-plane.ts';
import type { OpenWebSockets } from './forward/open-web-sockets.ts';
import { sendProblemTo } from './server/error-page.ts';
import { isVisitPinned, NOWHERE, TO_MONOLITH, type RequestServerOptions } from './serve-request.ts';
import { problemOf } from './server/upstream-problem.ts';

export interface WebSocketServerOptions extends Pick<
  RequestServerOptions,
  | 'readVisit'
  | 'plan'
  | 'pins'
  | 'keyPins'
  | 'breakerOf'
  | 'traffic'
  | 'monolithWithoutSnapshot'
  | 'accessLog'
> {
  readonly openTunnel: OpenTunnel;
  readonly openWebSockets: OpenWebSockets;
  readonly headers: Omit<RequestHeaderOptions, 'extra' | 'withhold'>;
}

/** Takes WebSockets to the side that a read of their path is decided for. */
export class WebSocketServer {
  readonly #options: WebSocketServerOptions;

  constructor(options: WebSocketServerOptions) {
    this.#options = options;
  }

  /** @param routing The routes in use, null with none, and the path as sent. Returns once it is open, or refused. */
  async serve(
    asked: WebSocketRequest,
    { table, path }: { readonly table: RoutingTable | null; readonly path: string },
  ): Promise<void> {
    const { readVisit, plan, traffic } = this.#options;
    const visit = readVisit(asked.request, table?.snapshot.visitors ?? null);
    const place = table?.placeOf('GET', path) ?? NOWHERE;
    const slice = place.kind === 'clear' ? place.slice : null;
    const isPinned = isVisitPinned({ table, visit }, this.#options);
    const share = slice && traffic.shareCountsOf(slice);
    const { decision, identityToken } = slice
      ? await plan(slice, { method: 'GET', visit, isPinned })
      : TO_MONOLITH[place.kind];
    const outcome =
      slice && table && decision.target === 'service'
        ? await this.#askService(asked, { slice, withhold: table.withhold, token: identityToken })
        : await this.#askMonolith(asked, table);
    if (isShed(outcome)) traffic.shed += 1;
    else if (slice) traffic.countExchange(slice, decision.target, outcome);
    if (outcome.kind === 'answered' && outcome.status === 101 && !asked.socket.destroyed) {
      const { target } = decision;
      this.#options.openWebSockets.add({ socket: asked.socket, slice: slice?.name ?? null, target });
    }
    traffic.countServed(slice, decision, { outcome, share });
    if (outcome.kind === 'answered' && outcome.status >= 500) traffic.clientErrors += 1;
    this.#options.accessLog?.info(
      { method: 'GET', slice: slice?.name ?? null, ...decision, outcome: outcome.kind, isWebSocket: true },
      'request',
    );
  }

  async #askService(
    asked: WebSocketRequest,
    {
      slice,
      withhold,
      token,
    }: { readonly slice: SliceRoutes; readonly withhold: Withhold; readonly token: string | null },
  ): Promise<ForwardOutcome> {
    const breaker = this.#options.breakerOf(slice.name);
    const ticket = breaker.begin();
    const outcome = await this.#open(asked, {
      origin: slice.serviceUrl,
      deadlineMs: slice.serviceDeadlineMs,
      extra: token === null ? [] : [IDENTITY_HEADER, token],
      withhold,
    });
    // Without a fallback: httpxy ends the client's connection. He comes back, and meets the breaker.
    breaker.end(ticket, judge(outcome));
    return outcome;
  }

  #askMonolith(asked: WebSocketRequest, table: RoutingTable | null): Promise<ForwardOutcome> {
    const { url, deadlineMs } = this.#options.monolithWithoutSnapshot;
    return this.#open(asked, {
      origin: table?.snapshot.monolithUrl ?? url,
      deadlineMs: table?.snapshot.monolithDeadlineMs ?? deadlineMs,
      extra: [],
    });
  }

  #open(
    asked: WebSocketRequest,
    to: {
      readonly origin: string;
      readonly deadlineMs: number;
      readonly extra: readonly string[];
      readonly withhold?: Withhold;
    },
  ): Promise<ForwardOutcome> {
    const { openTunnel, headers } = this.#options;
    // He left while it was decided.
    if (asked.socket.destroyed) return Promise.resolve({ kind: 'cancelled', hasGivenUp: false });
    const { origin, deadlineMs, extra, withhold } = to;
    return openTunnel(asked, {
      origin,
      deadlineMs,
      headers: upstreamRequestHeaders(asked.request, { ...headers, extra, withhold }),
      onFailed: (outcome) => this.#answerForNobody(asked, outcome),
    });
  }

  #answerForNobody({ request, socket }: WebSocketRequest, outcome: Parameters<typeof problemOf>[0]): void {
    const page = problemOf(outcome);
    if (page.status >= 500) this.#options.traffic.clientErrors += 1;
    sendProblemTo(socket, request, page);
  }
}

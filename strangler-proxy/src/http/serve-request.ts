import type { IncomingMessage, ServerResponse } from 'node:http';
import { IDENTITY_HEADER, SERVED_BY_HEADER, type SliceRoutes } from '@banyan/contracts';
import type { Logger } from '@banyan/kit';
import { isSafe, type Decision, type Target } from '../domain/decide.ts';
import type { RoutingTable } from '../domain/routing-table.ts';
import { hasBody, judge, type DataPlane, type ForwardOutcome } from '../use-cases/data-plane.ts';
import type { IdentityKeeper } from '../use-cases/identity-keeper.ts';
import type { PinKeeper } from '../use-cases/pin-keeper.ts';
import type { BreakerOf, PinCookies } from '../use-cases/ports.ts';
import type { Traffic } from '../use-cases/traffic.ts';
import { sendProblem } from './error-page.ts';
import type { Plan, PlanRequest } from './plan-request.ts';
import { problemOf } from './upstream-problem.ts';
import type { Visit } from './visit.ts';

export interface RequestServerOptions {
  readonly dataPlane: DataPlane;
  readonly readVisit: (headers: IncomingMessage['headers']) => Visit;
  readonly plan: PlanRequest;
  readonly identities: IdentityKeeper;
  readonly pins: PinKeeper;
  readonly pinCookies: PinCookies;
  readonly breakerOf: BreakerOf;
  readonly traffic: Traffic;
  /** Used while there is no snapshot. */
  readonly monolithWithoutSnapshot: { readonly url: string; readonly deadlineMs: number };
  /** Logs a line a request: method, slice, side, reason, status. Null for none. */
  readonly accessLog: Logger | null;
}

/** A request on its way. It keeps to the routes that were in use when it came. */
interface Passage {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly method: string;
  readonly visit: Visit;
  readonly table: RoutingTable | null;
  readonly slice: SliceRoutes | null;
  readonly plan: Plan;
}

/** How a request ended, and which side's answer that was. */
interface Ending {
  readonly decision: Decision;
  readonly outcome: ForwardOutcome;
}

/** For paths of no slice. */
export const TO_MONOLITH: Plan = {
  decision: { target: 'monolith', reason: 'no-slice' },
  identityToken: null,
  cookies: [],
};
const FALLBACK: Decision = { target: 'monolith', reason: 'fallback' };
/** Statuses by which a service says that it cannot answer, as against that there is nothing to answer. */
const FALLBACK_STATUSES = new Set([502, 503, 504]);

/** Takes requests to the side that they are decided for, and the answers back. */
export class RequestServer {
  readonly #options: RequestServerOptions;

  constructor(options: RequestServerOptions) {
    this.#options = options;
  }

  /** @param routing The routes in use, null with none, and the decoded path segments. */
  async serve(
    request: IncomingMessage,
    response: ServerResponse,
    { table, segments }: { readonly table: RoutingTable | null; readonly segments: readonly string[] },
  ): Promise<void> {
    const { pins, identities, readVisit } = this.#options;
    const method = request.method ?? 'GET';
    const visit = readVisit(request.headers);
    const slice = table?.match(method, segments) ?? null;
    const around = { request, response, method, visit, table, slice };
    if (isSafe(method)) {
      const isPinned = table?.isPinning === true && visit.pinNonce !== null && pins.isPinned(visit.pinNonce);
      await this.#run(around, isPinned);
      return;
    }
    // Neither while a write is under way nor after it may the pin that it brought be cleared: its answer brings a
    // new one, which a late clearing would take away.
    if (visit.pinNonce !== null) pins.startWrite(visit.pinNonce);
    try {
      await this.#run(around, false);
    } finally {
      if (visit.pinNonce !== null) pins.endWrite(visit.pinNonce);
      if (visit.session !== null) identities.forget(visit.session); // it may have been a sign-in or a sign-out
    }
  }

  async #run(around: Omit<Passage, 'plan'>, isPinned: boolean): Promise<void> {
    const { slice, method, visit } = around;
    const { traffic, plan } = this.#options;
    const share = slice && traffic.shareCountsOf(slice);
    const passage: Passage = {
      ...around,
      plan: slice ? await plan(slice, { method, visit, isPinned }) : TO_MONOLITH,
    };
    const ending =
      slice && passage.plan.decision.target === 'service'
        ? await this.#askService(passage, slice)
        : await this.#askMonolith(passage, passage.plan.decision);
    traffic.countServed(slice, ending.decision, { outcome: ending.outcome, share });
    this.#answerForNobody(passage, ending);
    this.#logAccess(passage, ending);
  }

  async #askService(passage: Passage, slice: SliceRoutes): Promise<Ending> {
    const { request, response, plan } = passage;
    const mayFallBack = slice.monolithIsFresh && isRepeatable(passage);
    const breaker = this.#options.breakerOf(slice.name);
    const ticket = breaker.begin();
    const outcome = await this.#options.dataPlane.forward(request, response, slice.serviceUrl, {
      deadlineMs: slice.serviceDeadlineMs,
      requestHeaders: plan.identityToken === null ? [] : [IDENTITY_HEADER, plan.identityToken],
      responseHeaders: () => this.#ownHeaders(passage, 'service'),
      refuses: (status) => mayFallBack && FALLBACK_STATUSES.has(status),
    });
    breaker.end(ticket, judge(outcome));
    this.#options.traffic.countExchange(slice, 'service', outcome);
    const isUnanswered =
      outcome.kind === 'refused' || (outcome.kind === 'failed' && outcome.failure !== 'request');
    if (isUnanswered && mayFallBack) return this.#askMonolith(passage, FALLBACK);
    return { decision: plan.decision, outcome };
  }

  async #askMonolith(passage: Passage, decision: Decision): Promise<Ending> {
    const { request, response, slice, table } = passage;
    const { monolithWithoutSnapshot, dataPlane, traffic } = this.#options;
    const url = table?.snapshot.monolithUrl ?? monolithWithoutSnapshot.url;
    const options = {
      deadlineMs: table?.snapshot.monolithDeadlineMs ?? monolithWithoutSnapshot.deadlineMs,
      responseHeaders: () => this.#ownHeaders(passage, 'monolith'),
    };
    let outcome = await dataPlane.forward(request, response, url, options);
    if (outcome.kind === 'failed' && outcome.failure === 'reset' && isRepeatable(passage)) {
      // A kept connection may end just as it is used; a read may be asked again (RFC 9110 9.2.2), a write never.
      outcome = await dataPlane.forward(request, response, url, options);
    }
    if (slice) traffic.countExchange(slice, 'monolith', outcome);
    return { decision, outcome };
  }

  /** Headers that the proxy adds to an answer, settled as late as possible: a pin's clearing must still hold then. */
  #ownHeaders({ method, visit, table, plan }: Passage, side: Target): string[] {
    const { pins, pinCookies } = this.#options;
    const headers = plan.cookies.flatMap((cookie) => ['set-cookie', cookie]);
    if (table?.isPinning) {
      if (!isSafe(method)) {
        if (side === 'monolith') headers.push('set-cookie', pinCookies.issue());
      } else if (visit.pinNonce !== null && pins.mayClear(visit.pinNonce)) {
        headers.push('set-cookie', pinCookies.clearing);
      }
    }
    if (visit.isTester) headers.push(SERVED_BY_HEADER, side);
    return headers;
  }

  #answerForNobody(passage: Passage, { decision, outcome }: Ending): void {
    const { traffic } = this.#options;
    if (outcome.kind === 'broken' || (outcome.kind === 'answered' && outcome.status >= 500)) {
      traffic.clientErrors += 1;
      return;
    }
    if (outcome.kind !== 'failed' && outcome.kind !== 'refused') return;
    const page = problemOf(outcome);
    if (page.status >= 500) traffic.clientErrors += 1;
    // A write that got no answer may have been done all the same, so it pins like one that was answered.
    const headers = this.#ownHeaders(passage, decision.target);
    sendProblem(passage.request, passage.response, { ...page, headers });
  }

  #logAccess({ method, slice }: Passage, { decision, outcome }: Ending): void {
    this.#options.accessLog?.info(
      {
        method,
        slice: slice?.name ?? null,
        ...decision,
        outcome: outcome.kind,
        status: 'status' in outcome ? outcome.status : null,
      },
      'request',
    );
  }
}

/** True when the request may be sent to another upstream, or again: it changes nothing, and has no body to be read twice. */
const isRepeatable = ({ method, request }: Passage): boolean => isSafe(method) && !hasBody(request);

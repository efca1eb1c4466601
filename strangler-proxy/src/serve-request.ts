import type { IncomingMessage, ServerResponse } from 'node:http';
import { IDENTITY_HEADER, SERVED_BY_HEADER, type SliceRoutes } from '@banyan/contracts';
import type { Logger } from '@banyan/kit';
import { isSafe, type Decision, type Target } from './decide/domain/decide.ts';
import type { Place, RoutingTable } from './routes/domain/routing-table.ts';
import { hasBody, isShed, judge, type DataPlane, type ForwardOutcome } from './forward/data-plane.ts';
import type { IdentityKeeper } from './visitor/identity-keeper.ts';
import type { KeyPins } from './visitor/key-pins.ts';
import type { PinKeeper } from './visitor/pin-keeper.ts';
import type { BreakerOf, PinCookies } from './ports.ts';
import type { Traffic } from './report/traffic.ts';
import { beginsPage, cookieHeaders, sharingOf } from './visitor/answer-cookies.ts';
import { sendProblem } from './server/error-page.ts';
import type { Plan, PlanRequest } from './decide/plan-request.ts';
import { problemOf } from './server/upstream-problem.ts';
import { newVisitorId, visitorCookie, type ReadVisit, type Visit } from './visitor/visit.ts';

export interface RequestServerOptions {
  readonly dataPlane: DataPlane;
  readonly readVisit: ReadVisit;
  readonly plan: PlanRequest;
  readonly identities: IdentityKeeper;
  readonly pins: PinKeeper;
  readonly keyPins: KeyPins;
  readonly pinCookies: PinCookies;
  readonly breakerOf: BreakerOf;
  readonly traffic: Traffic;
  /** Used while there is no snapshot. */
  readonly monolithWithoutSnapshot: { readonly url: string; readonly deadlineMs: number };
  readonly log: Logger;
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
  readonly place: Place;
  /** The slice, when it is clear which. */
  readonly slice: SliceRoutes | null;
  readonly plan: Plan;
}

type Around = Omit<Passage, 'plan'>;

/** How a request ended, and which side's answer that was. */
interface Ending {
  readonly decision: Decision;
  readonly outcome: ForwardOutcome;
}

/** Without routes. */
export const NOWHERE: Place = { kind: 'clear', slice: null };
/** For paths that no slice has, or may not have. */
export const TO_MONOLITH: Readonly<Record<Place['kind'], Plan>> = {
  clear: { decision: { target: 'monolith', reason: 'no-slice' }, identityToken: null },
  unclear: { decision: { target: 'monolith', reason: 'unclear-path' }, identityToken: null },
  refused: { decision: { target: 'monolith', reason: 'unclear-path' }, identityToken: null },
};
/** Of an answer in the proxy's own name. */
const OWN_ANSWER: readonly string[] = ['cache-control', 'no-store'];
const FALLBACK: Decision = { target: 'monolith', reason: 'fallback' };
/** Statuses by which a service says that it cannot answer, as against that there is nothing to answer. */
const FALLBACK_STATUSES = new Set([502, 503, 504]);

/** Takes requests to the side that they are decided for, and the answers back. */
export class RequestServer {
  readonly #options: RequestServerOptions;

  constructor(options: RequestServerOptions) {
    this.#options = options;
  }

  /** @param routing The routes in use, null with none, and the path as sent. */
  async serve(
    request: IncomingMessage,
    response: ServerResponse,
    { table, path }: { readonly table: RoutingTable | null; readonly path: string },
  ): Promise<void> {
    const method = request.method ?? 'GET';
    const place = table?.placeOf(methodAskedFor(request), path) ?? NOWHERE;
    if (place.kind === 'refused') {
      this.#refuse(request, response, place.slices);
      return;
    }
    const visit = this.#options.readVisit(request, table?.snapshot.visitors ?? null);
    const slice = place.kind === 'clear' ? place.slice : null;
    const around: Around = { request, response, method, visit, table, place, slice };
    if (isSafe(method)) await this.#run(around, isVisitPinned(around, this.#options));
    else await this.#write(around);
  }

  async #write(around: Around): Promise<void> {
    const { pins, keyPins, identities } = this.#options;
    const { visit, table } = around;
    const pinKeys = table?.isPinning ? visit.pinKeys : [];
    // Neither while a write is under way nor after it may the pin that it brought be cleared: its answer brings a
    // new one, which a late clearing would take away.
    if (visit.pinNonce !== null) pins.startWrite(visit.pinNonce);
    keyPins.startWrite(pinKeys);
    try {
      await this.#run(around, false);
    } finally {
      if (visit.pinNonce !== null) pins.endWrite(visit.pinNonce);
      keyPins.endWrite(pinKeys);
      if (visit.credential !== null) identities.forget(visit.credential); // it may have been a sign-in or a sign-out
    }
  }

  #refuse(request: IncomingMessage, response: ServerResponse, slices: readonly SliceRoutes[]): void {
    this.#options.traffic.refusedWrites += 1;
    this.#options.log.debug(
      { method: request.method, slices: slices.map(({ name }) => name) },
      'a write was refused: its path may be read as one of these slices, or not (banyan.config.ts, paths)',
    );
    sendProblem(request, response, {
      status: 400,
      code: 'unclear-path',
      message:
        'This address can be read in more than one way, so nothing was changed. Send it in its plain form.',
    });
  }

  async #run(around: Around, isPinned: boolean): Promise<void> {
    const { slice, visit, place, request } = around;
    const { traffic, plan } = this.#options;
    const share = slice && traffic.shareCountsOf(slice);
    const passage: Passage = {
      ...around,
      plan: slice
        ? await plan(slice, { method: methodAskedFor(request), visit, isPinned })
        : TO_MONOLITH[place.kind],
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
      ...(passage.table && { withhold: passage.table.withhold }),
      responseHeaders: (_status, upstream) => this.#ownHeaders(passage, 'service', upstream),
      refuses: (status) => mayFallBack && FALLBACK_STATUSES.has(status),
    });
    breaker.end(ticket, judge(outcome));
    this.#count(slice, 'service', outcome);
    const isUnanswered =
      outcome.kind === 'refused' || (outcome.kind === 'failed' && outcome.failure !== 'request');
    if (isUnanswered && mayFallBack) return this.#askMonolith(passage, FALLBACK);
    return { decision: plan.decision, outcome };
  }

  async #askMonolith(passage: Passage, decision: Decision): Promise<Ending> {
    const { request, response, slice, table } = passage;
    const { monolithWithoutSnapshot, dataPlane } = this.#options;
    const url = table?.snapshot.monolithUrl ?? monolithWithoutSnapshot.url;
    const options = {
      deadlineMs: table?.snapshot.monolithDeadlineMs ?? monolithWithoutSnapshot.deadlineMs,
      responseHeaders: (_status: number, upstream: readonly string[]) =>
        this.#ownHeaders(passage, 'monolith', upstream),
    };
    const outcome = await dataPlane.forward(request, response, url, options);
    this.#count(slice, 'monolith', outcome);
    return { decision, outcome };
  }

  #count(slice: SliceRoutes | null, target: Target, outcome: ForwardOutcome): void {
    const { traffic } = this.#options;
    if (isShed(outcome)) traffic.shed += 1;
    else if (slice) traffic.countExchange(slice, target, outcome);
  }

  /** Headers that the proxy adds to an answer, settled as late as possible: a pin's clearing must still hold then. */
  #ownHeaders(passage: Passage, side: Target, upstream: readonly string[]): string[] {
    const { slice, plan, visit } = passage;
    const visitor = this.#visitorCookie(passage, upstream);
    const isRead = ['GET', 'HEAD'].includes(passage.method); // a preflight brings nothing of its client's
    if (slice && plan.decision.reason === 'no-key' && isRead && visitor.length === 0) {
      this.#options.traffic.countWithoutKey(slice); // nothing will tell him next time either
    }
    const cookies = [...this.#pinCookie(passage, side), ...visitor];
    const sharing = cookies.length === 0 ? 'never' : sharingOf(upstream, Date.now());
    const headers = cookieHeaders(cookies, { sharing, isOwed: !isSafe(passage.method) });
    if (visit.isTester) headers.push(SERVED_BY_HEADER, side);
    return headers;
  }

  #pinCookie({ method, visit, table }: Passage, side: Target): string[] {
    const { pins, pinCookies } = this.#options;
    if (!table?.isPinning) return [];
    if (!isSafe(method)) return side === 'monolith' ? [pinCookies.issue(visit.isSecure)] : [];
    return visit.pinNonce !== null && pins.mayClear(visit.pinNonce)
      ? [pinCookies.clearing(visit.isSecure)]
      : [];
  }

  #visitorCookie({ request, method, visit, table }: Passage, upstream: readonly string[]): string[] {
    if (!table?.isDealing || visit.visitorId !== null) return [];
    if (!table.snapshot.visitors.keys.includes('visitor-cookie')) return [];
    if (!beginsPage({ method, headers: request.headers }, upstream)) return [];
    return [visitorCookie(newVisitorId(), visit.isSecure)];
  }

  #answerForNobody(passage: Passage, { decision, outcome }: Ending): void {
    const { traffic } = this.#options;
    const hasGivenUp = outcome.kind === 'cancelled' && outcome.hasGivenUp;
    if (outcome.kind === 'broken' || hasGivenUp || (outcome.kind === 'answered' && outcome.status >= 500)) {
      traffic.clientErrors += 1;
      return;
    }
    if (outcome.kind !== 'failed' && outcome.kind !== 'refused') return;
    const page = problemOf(outcome);
    if (page.status >= 500) traffic.clientErrors += 1;
    // A write that got no answer may have been done all the same, so it pins like one that was answered.
    const headers = [...(page.headers ?? []), ...this.#ownHeaders(passage, decision.target, OWN_ANSWER)];
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
        ...(outcome.kind === 'failed' && { failure: outcome.failure, error: outcome.error.message }),
      },
      'request',
    );
  }
}

/** True while the monolith has to answer a visitor who wrote to it. */
export function isVisitPinned(
  { table, visit }: Pick<Around, 'table' | 'visit'>,
  { pins, keyPins }: Pick<RequestServerOptions, 'pins' | 'keyPins'>,
): boolean {
  if (!table?.isPinning) return false;
  // Both are asked, so that the next round asks for both.
  const byCookie = visit.pinNonce !== null && pins.isPinned(visit.pinNonce);
  return keyPins.isPinned(visit.pinKeys) || byCookie;
}

/** True when the request may be sent to another upstream, or again: it changes nothing, and has no body to be read twice. */
const isRepeatable = ({ method, request }: Passage): boolean => isSafe(method) && !hasBody(request);

/** A browser's question before a request of another origin is answered by whoever would get the request itself. */
function methodAskedFor({ method = 'GET', headers }: IncomingMessage): string {
  const asked = headers['access-control-request-method'];
  return method === 'OPTIONS' && asked !== undefined ? asked.trim() : method;
}

import { IDENTITY_HEADER, type SliceRoutes } from '@banyan/contracts';
import type { Logger } from '@banyan/kit';
import type { Decision } from './decide/domain/decide.ts';
import type { Plan, PlanRequest } from './decide/plan-request.ts';
import { hasBody, type DataPlane, type NoAnswer, type UpstreamAnswer } from './forward/data-plane.ts';
import { judge, type ForwardOutcome } from './forward/domain/forward-outcome.ts';
import type { BreakerOf } from './forward/domain/slice-breaker.ts';
import type { Traffic } from './report/traffic.ts';
import { isSafe, type Target } from './routes/domain/sides.ts';
import { matchRequest, type Asked, type Match } from './routes/match-request.ts';
import type { Client } from './server/client.ts';
import { isOurFault, problemOf } from './server/upstream-problem.ts';
import type { Visitors } from './visitor/create-visitors.ts';
import type { Visit } from './visitor/visit.ts';

export interface ServingParts {
  readonly visitors: Visitors;
  readonly plan: PlanRequest;
  readonly dataPlane: DataPlane;
  readonly breakerOf: BreakerOf;
  readonly traffic: Traffic;
  /** Used while there is no snapshot. */
  readonly monolithWithoutSnapshot: { readonly upstreams: readonly string[]; readonly deadlineMs: number };
  readonly log: Logger;
  /** Logs a line a request: method, slice, side, reason, status. Null for none. */
  readonly accessLog: Logger | null;
}

/** A request on its way: what is known of it by the time that it is sent. */
interface Passage {
  readonly client: Client;
  readonly match: Match;
  readonly visit: Visit;
  readonly plan: Plan;
}

/** How a request ended, and which side's answer that was. */
interface Ending {
  readonly decision: Decision;
  readonly outcome: ForwardOutcome;
}

/** Of an answer in the proxy's own name. */
const OWN_ANSWER: readonly string[] = ['cache-control', 'no-store'];
const FALLBACK: Decision = { target: 'monolith', reason: 'fallback' };
/** Statuses by which a service says that it cannot answer, as against that there is nothing to answer. */
const FALLBACK_STATUSES = new Set([502, 503, 504]);

/** Takes requests to the side that they are decided for, and the answers back. It reads downwards: a step a method. */
export class RequestServer {
  readonly #parts: ServingParts;

  constructor(parts: ServingParts) {
    this.#parts = parts;
  }

  async serve(client: Client, asked: Asked): Promise<void> {
    const { visitors, plan, traffic } = this.#parts;
    const match = matchRequest(client.request, asked);
    const { table, slice } = match;
    if (match.place.kind === 'refused') {
      this.#refuseWrite(client, match.place.slices);
      return;
    }
    const visit = visitors.read(client.request, table?.snapshot.visitors ?? null);
    const endWrite = isSafe(match.method) ? null : visitors.startWrite(visit, table);
    try {
      const share = slice && traffic.shareCountsOf(slice);
      const passage: Passage = { client, match, visit, plan: await plan(match, visit) };
      const ending = await this.#forward(passage);
      traffic.countServed(slice, ending.decision, { outcome: ending.outcome, share });
      this.#report(passage, ending);
    } finally {
      endWrite?.();
    }
  }

  #refuseWrite(client: Client, slices: readonly SliceRoutes[]): void {
    this.#parts.traffic.refusedWrites += 1;
    this.#parts.log.debug(
      { method: client.request.method, slices: slices.map(({ name }) => name) },
      'a write was refused: its path may be read as one of these slices, or not (banyan.config.ts, paths)',
    );
    client.sendProblem({
      status: 400,
      code: 'unclear-path',
      message:
        'This address can be read in more than one way, so nothing was changed. Send it in its plain form.',
    });
  }

  /** To the side that it is decided for; a read that the service cannot answer then goes to the monolith. */
  async #forward(passage: Passage): Promise<Ending> {
    const { match, plan } = passage;
    if (match.slice && plan.decision.target === 'service') {
      const outcome = await this.#askService(passage, match.slice);
      if (outcome !== 'monolith stands in') return { decision: plan.decision, outcome };
      return { decision: FALLBACK, outcome: await this.#askMonolith(passage) };
    }
    return { decision: plan.decision, outcome: await this.#askMonolith(passage) };
  }

  async #askService(passage: Passage, slice: SliceRoutes): Promise<ForwardOutcome | 'monolith stands in'> {
    const { client, match, plan } = passage;
    const breaker = this.#parts.breakerOf(slice.name);
    const ticket = breaker.begin();
    const reply = await this.#parts.dataPlane.forward(client.request, slice.upstreams, {
      deadlineMs: slice.serviceDeadlineMs,
      waiter: client,
      onInformation: client.inform,
      requestHeaders: plan.identityToken === null ? [] : [IDENTITY_HEADER, plan.identityToken],
      withhold: match.table?.withhold,
    });
    const standsIn = slice.monolithIsFresh && isRepeatable(passage) && isNoAnswer(reply);
    const outcome = standsIn ? turnDown(reply) : await this.#send(passage, 'service', reply);
    breaker.end(ticket, judge(outcome));
    this.#parts.traffic.countExchange(slice, 'service', outcome);
    return standsIn ? 'monolith stands in' : outcome;
  }

  async #askMonolith(passage: Passage): Promise<ForwardOutcome> {
    const { client, match } = passage;
    const { monolithWithoutSnapshot, dataPlane, traffic } = this.#parts;
    const snapshot = match.table?.snapshot;
    const upstreams = snapshot?.monolithUpstreams ?? monolithWithoutSnapshot.upstreams;
    const reply = await dataPlane.forward(client.request, upstreams, {
      deadlineMs: snapshot?.monolithDeadlineMs ?? monolithWithoutSnapshot.deadlineMs,
      waiter: client,
      onInformation: client.inform,
    });
    const outcome = await this.#send(passage, 'monolith', reply);
    traffic.countExchange(match.slice, 'monolith', outcome);
    return outcome;
  }

  /** What the upstream said, or a page of the proxy's own where it said nothing. */
  async #send(passage: Passage, side: Target, reply: UpstreamAnswer | NoAnswer): Promise<ForwardOutcome> {
    const { client } = passage;
    const outcome =
      reply.kind === 'answer' ? await client.send(reply, this.#added(passage, side, reply.headers)) : reply;
    if (outcome.kind === 'failed') {
      const page = problemOf(outcome.failure);
      // A write that got no answer may have been done all the same, so it pins like one that was answered.
      const headers = [...(page.headers ?? []), ...this.#added(passage, side, OWN_ANSWER)];
      client.sendProblem({ ...page, headers });
    }
    return outcome;
  }

  /** Headers that the proxy adds to an answer. */
  #added(
    { client, match, visit, plan }: Passage,
    side: Target,
    headers: readonly string[],
  ): readonly string[] {
    const { method, table, slice } = match;
    const requestHeaders = client.request.headers;
    const added = this.#parts.visitors.added({ method, requestHeaders, visit, table, side, headers });
    const isRead = method === 'GET' || method === 'HEAD'; // a preflight brings nothing of its client's
    if (slice && plan.decision.reason === 'no-key' && isRead && !added.isVisitorTold) {
      this.#parts.traffic.countWithoutKey(slice); // nothing will tell him next time either
    }
    return added.headers;
  }

  #report({ match: { method, slice } }: Passage, { decision, outcome }: Ending): void {
    if (isOurFault(outcome)) this.#parts.traffic.clientErrors += 1;
    this.#parts.accessLog?.info(
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

/** True when the request may be sent to another upstream, or again: it changes nothing, and has no body to be read twice. */
const isRepeatable = ({ client, match }: Passage): boolean =>
  isSafe(match.method) && !hasBody(client.request);

/** True when the service did not answer, or said that it cannot. */
const isNoAnswer = (reply: UpstreamAnswer | NoAnswer): boolean =>
  reply.kind === 'answer'
    ? FALLBACK_STATUSES.has(reply.status)
    : reply.kind === 'failed' && reply.failure !== 'request';

/** Lets go of an answer that nobody will get. */
function turnDown(reply: UpstreamAnswer | NoAnswer): ForwardOutcome {
  if (reply.kind !== 'answer') return reply;
  reply.body.destroy();
  return { kind: 'refused', status: reply.status, headersMs: reply.headersMs };
}

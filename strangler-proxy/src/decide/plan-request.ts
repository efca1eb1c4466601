import type { Logger } from '@banyan/kit';
import type { BreakerOf } from '../forward/domain/slice-breaker.ts';
import type { Match } from '../routes/match-request.ts';
import { isSafe } from '../routes/domain/sides.ts';
import type { Visitors } from '../visitor/create-visitors.ts';
import type { Identity } from '../visitor/session-cache.ts';
import type { Visit } from '../visitor/visit.ts';
import { dealCohort } from './domain/cohort.ts';
import { decide, needsCohort, type Decision, type RequestFacts } from './domain/decide.ts';

/** Where a request goes, and what goes with it. */
export interface Plan {
  readonly decision: Decision;
  /** For the service; null when nobody is signed in, or the monolith answers. */
  readonly identityToken: string | null;
}

export interface PlannerOptions {
  readonly visitors: Pick<Visitors, 'identify' | 'isPinned'>;
  readonly breakerOf: BreakerOf;
  readonly log: Logger;
}

/** Plans a request: finds out as much about it as its decision hangs on. Never rejects. */
export type PlanRequest = (match: Match, visit: Visit) => Promise<Plan>;

/** `unknown`: something says who it is, but the monolith did not say whose it is. Null: nothing does. */
type Asker = Identity | 'unknown' | null;

const toMonolith = (reason: Decision['reason']): Plan => ({
  decision: { target: 'monolith', reason },
  identityToken: null,
});
const NO_SLICE = toMonolith('no-slice');
const UNCLEAR = toMonolith('unclear-path');
/** The service would take a customer for a stranger. */
const UNKNOWN_CUSTOMER = toMonolith('fallback');

export function createRequestPlanner({ visitors, breakerOf, log }: PlannerOptions): PlanRequest {
  async function identify({ credential }: Visit): Promise<Asker> {
    if (credential === null) return null;
    try {
      return await visitors.identify(credential);
    } catch (error) {
      log.warn({ reason: (error as Error).message }, 'who is signed in could not be found out');
      return 'unknown';
    }
  }

  return async ({ slice, place, method: sent, methodAsked: method, table }, visit) => {
    const isPinned = isSafe(sent) && visitors.isPinned(visit, table); // whatever is read: so a pin comes to its end
    if (!slice) return place.kind === 'clear' ? NO_SLICE : UNCLEAR;
    const override = visit.overrideFor(slice.name);
    const facts = { method, override, isPinned, isBreakerBlocking: false };
    const hangsOnCohort = needsCohort(slice, facts);
    if (!hangsOnCohort) {
      const decision = decide(slice, { ...facts, cohort: null });
      if (decision.target === 'monolith') return { decision, identityToken: null };
    }
    const asker = await identify(visit);
    if (asker === 'unknown' && isSafe(method)) return UNKNOWN_CUSTOMER;
    const known = asker === 'unknown' ? null : asker;
    const identityToken = (await known?.tokenFor(slice.name)) ?? null;
    // A customer is dealt by his id, wherever he signs in.
    const key = hangsOnCohort ? (known?.customer?.id ?? visit.key) : null;
    // Last, so that no time passes before it is sent: the breaker lets one request try, not all that looked before.
    const all: RequestFacts = {
      ...facts,
      cohort: key === null ? null : dealCohort(key, slice),
      isBreakerBlocking: breakerOf(slice.name).isBlocking,
    };
    const decision = decide(slice, all);
    return { decision, identityToken: decision.target === 'monolith' ? null : identityToken };
  };
}

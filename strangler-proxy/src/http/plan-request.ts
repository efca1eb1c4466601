import type { SliceRoutes } from '@banyan/contracts';
import type { Logger } from '@banyan/kit';
import { dealCohort } from '../domain/cohort.ts';
import { decide, isSafe, needsCohort, type Decision, type RequestFacts } from '../domain/decide.ts';
import type { Identity, IdentityKeeper } from '../use-cases/identity-keeper.ts';
import type { BreakerOf } from '../use-cases/ports.ts';
import { newVisitorId, visitorCookie, type Visit } from './visit.ts';

/** Where a request goes, and what goes with it. */
export interface Plan {
  readonly decision: Decision;
  /** For the service; null when nobody is signed in, or the monolith answers. */
  readonly identityToken: string | null;
  /** `Set-Cookie` values for the answer. */
  readonly cookies: readonly string[];
}

export interface PlannerOptions {
  readonly identities: IdentityKeeper;
  readonly breakerOf: BreakerOf;
  readonly log: Logger;
}

/** Plans a slice's request: finds out as much about it as its decision hangs on. Never rejects. */
export type PlanRequest = (
  slice: SliceRoutes,
  request: { readonly method: string; readonly visit: Visit; readonly isPinned: boolean },
) => Promise<Plan>;

/** `unknown`: there is a session, but the monolith did not say whose. Null: there is no session. */
type Asker = Identity | 'unknown' | null;

export function createRequestPlanner({ identities, breakerOf, log }: PlannerOptions): PlanRequest {
  async function identify({ session }: Visit): Promise<Asker> {
    if (session === null) return null;
    try {
      return await identities.identify(session);
    } catch (error) {
      log.warn({ reason: (error as Error).message }, 'whose session it is could not be found out');
      return 'unknown';
    }
  }

  return async (slice, { method, visit, isPinned }) => {
    const facts = { method, override: visit.overrideFor(slice.name), isPinned, isBreakerBlocking: false };
    const hangsOnCohort = needsCohort(slice, facts);
    if (!hangsOnCohort) {
      const decision = decide(slice, { ...facts, cohort: null });
      if (decision.target === 'monolith') return { decision, identityToken: null, cookies: [] };
    }
    const asker = await identify(visit);
    const { key, cookies } = hangsOnCohort ? cohortKeyOf(visit, asker) : NO_KEY;
    const token = isKnown(asker) ? await asker.tokenFor(slice.name) : null;
    // Last, so that no time passes before it is sent: the breaker lets one request try, not all that looked before.
    const known: RequestFacts = {
      ...facts,
      cohort: key === null ? null : dealCohort(key, slice),
      isBreakerBlocking: breakerOf(slice.name).isBlocking,
    };
    const decision = decide(slice, known);
    if (decision.target === 'monolith') return { decision, identityToken: null, cookies };
    if (asker === 'unknown' && isSafe(method)) {
      // The service would take a customer for a stranger.
      return { decision: { target: 'monolith', reason: 'fallback' }, identityToken: null, cookies };
    }
    return { decision, identityToken: token, cookies };
  };
}

const NO_KEY = { key: null, cookies: [] };
const isKnown = (asker: Asker): asker is Identity => asker !== null && asker !== 'unknown';

/** A customer is dealt by his id, wherever he signs in; a visitor by a cookie, which he gets with this answer. */
function cohortKeyOf(visit: Visit, asker: Asker): { key: string | null; cookies: readonly string[] } {
  if (asker === 'unknown') return NO_KEY;
  if (asker?.customer) return { key: asker.customer.id, cookies: [] };
  if (visit.visitorId !== null) return { key: visit.visitorId, cookies: [] };
  const id = newVisitorId();
  return { key: id, cookies: [visitorCookie(id)] };
}

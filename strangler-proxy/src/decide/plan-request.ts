import type { SliceRoutes } from '@banyan/contracts';
import type { Logger } from '@banyan/kit';
import { dealCohort } from './domain/cohort.ts';
import { decide, isSafe, needsCohort, type Decision, type RequestFacts } from './domain/decide.ts';
import type { Identity, IdentityKeeper } from '../visitor/identity-keeper.ts';
import type { BreakerOf } from '../ports.ts';
import type { Visit } from '../visitor/visit.ts';

/** Where a request goes, and what goes with it. */
export interface Plan {
  readonly decision: Decision;
  /** For the service; null when nobody is signed in, or the monolith answers. */
  readonly identityToken: string | null;
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

/** `unknown`: something says who it is, but the monolith did not say whose it is. Null: nothing does. */
type Asker = Identity | 'unknown' | null;

export function createRequestPlanner({ identities, breakerOf, log }: PlannerOptions): PlanRequest {
  async function identify({ credential }: Visit): Promise<Asker> {
    if (credential === null) return null;
    try {
      return await identities.identify(credential);
    } catch (error) {
      log.warn({ reason: (error as Error).message }, 'who is signed in could not be found out');
      return 'unknown';
    }
  }

  return async (slice, { method, visit, isPinned }) => {
    const facts = { method, override: visit.overrideFor(slice.name), isPinned, isBreakerBlocking: false };
    const hangsOnCohort = needsCohort(slice, facts);
    if (!hangsOnCohort) {
      const decision = decide(slice, { ...facts, cohort: null });
      if (decision.target === 'monolith') return { decision, identityToken: null };
    }
    const asker = await identify(visit);
    if (asker === 'unknown' && isSafe(method)) {
      // The service would take a customer for a stranger.
      return { decision: { target: 'monolith', reason: 'fallback' }, identityToken: null };
    }
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

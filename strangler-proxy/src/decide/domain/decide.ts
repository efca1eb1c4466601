import type { DecisionReason, Explanation, SliceRoutes } from '@banyan/contracts';
import { isSafe, servesReads, type Target } from '../../routes/domain/sides.ts';
import { isIn, type Cohort } from './cohort.ts';

/** What is known of a request besides its slice. */
export interface RequestFacts {
  readonly method: string;
  /** Side that an authorised override header asks for, for this slice. */
  readonly override: Target | null;
  /** True when the session carries a pin that the copy is not known to have passed. */
  readonly isPinned: boolean;
  /** Null for somebody without a key, or whose identity could not be looked up. */
  readonly cohort: Cohort | null;
  /** True when the service's breaker lets nobody through. */
  readonly isBreakerBlocking: boolean;
}

export interface Decision {
  readonly target: Target;
  readonly reason: DecisionReason;
}

interface Rule {
  readonly reason: DecisionReason;
  /** The side that this rule sends the request to, or null to ask the next rule. */
  readonly decides: (slice: SliceRoutes, facts: RequestFacts) => Target | null;
  /** What the rule found, in words. */
  readonly says: (slice: SliceRoutes, facts: RequestFacts) => string;
}

// The order is the contract: a rollback beats every header, pin and cohort; a pin beats a cohort.
const rules: readonly Rule[] = [
  {
    reason: 'owner',
    decides: (slice, { method }) => (isSafe(method) ? null : slice.owner),
    says: (slice, { method }) =>
      isSafe(method) ? `${method} only reads` : `${method} writes, and the ${slice.owner} owns the data`,
  },
  {
    reason: 'rollback',
    decides: (slice) => (slice.rolledBack ? 'monolith' : null),
    says: (slice) => (slice.rolledBack ? 'rolled back: the monolith answers everybody' : 'not rolled back'),
  },
  {
    reason: 'phase',
    decides: (slice) => (servesReads(slice) ? null : 'monolith'),
    says: (slice) => `phase ${slice.phase}${servesReads(slice) ? '' : ': the service does not answer reads'}`,
  },
  {
    reason: 'override',
    decides: (_slice, { override }) => override,
    says: (_slice, { override }) =>
      override ? `an authorised header asks for the ${override}` : 'no authorised override header',
  },
  {
    reason: 'pin',
    decides: (slice, { isPinned }) => (isPinned && slice.owner === 'monolith' ? 'monolith' : null),
    says: (slice, { isPinned }) => {
      if (!isPinned) return 'the session has no write that the copy may lack';
      return slice.owner === 'monolith'
        ? 'the session wrote, and the copy is not known to have it yet'
        : 'the session wrote, but the service owns the data';
    },
  },
  {
    // Somebody who cannot be told from others cannot be pinned after a write, and could see both sides in turn.
    reason: 'no-key',
    decides: (slice, { cohort }) => (cohort || slice.owner === 'service' ? null : 'monolith'),
    says: (slice, { cohort }) => {
      if (cohort) return 'there is a customer id, or a key';
      return slice.owner === 'service'
        ? 'no customer id and no key, but the service owns the data'
        : 'no customer id and no key, so the monolith answers';
    },
  },
  {
    reason: 'cohort',
    decides: (_slice, { cohort }) => (!cohort || isIn(cohort) ? null : 'monolith'),
    says: (_slice, { cohort }) => {
      if (!cohort) return 'everybody: the service';
      const { bucket, limit } = cohort;
      return isIn(cohort)
        ? `bucket ${bucket} is below ${limit}: the service`
        : `bucket ${bucket} is not below ${limit}: the monolith`;
    },
  },
  {
    reason: 'breaker',
    decides: (slice, { isBreakerBlocking }) =>
      isBreakerBlocking && slice.monolithIsFresh ? 'monolith' : null,
    says: (slice, { isBreakerBlocking }) => {
      if (!isBreakerBlocking) return 'the service answers';
      return slice.monolithIsFresh
        ? 'the service keeps failing, and the monolith is as fresh'
        : "the service keeps failing, but the monolith's data is not fresh";
    },
  },
];

const IN_COHORT: Decision = { target: 'service', reason: 'cohort' };

/** Where a slice's request goes, and why. */
export function decide(slice: SliceRoutes, facts: RequestFacts): Decision {
  for (const { reason, decides } of rules) {
    const target = decides(slice, facts);
    if (target) return { target, reason };
  }
  return IN_COHORT;
}

/** True when the answer of `decide` hangs on the cohort, so that it is worth finding out who asks. */
export function needsCohort(slice: SliceRoutes, facts: Omit<RequestFacts, 'cohort'>): boolean {
  // Without a cohort this rule is the first that can decide after those that do not look at it.
  return decide(slice, { ...facts, cohort: null }).reason === 'no-key';
}

/** The same decision, rule by rule, for people. */
export function explain(slice: SliceRoutes, facts: RequestFacts): Decision & Pick<Explanation, 'steps'> {
  const decision = decide(slice, facts);
  const steps: Explanation['steps'] = [];
  for (const { reason, says, decides } of rules) {
    const isLast = decides(slice, facts) !== null;
    steps.push({ rule: reason, outcome: says(slice, facts), decided: reason === decision.reason });
    if (isLast) break;
  }
  return { ...decision, steps };
}

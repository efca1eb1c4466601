import type { ForwardFailure, ForwardOutcome } from '../forward/domain/forward-outcome.ts';
import type { ProblemPage } from './error-page.ts';

const NOT_NOW = 'This page cannot be shown just now. Please try again in a moment.';

/** What the client is told when no upstream answered him (RFC 9110 15.6). */
export function problemOf(failure: ForwardFailure): ProblemPage {
  switch (failure) {
    case 'deadline':
      return {
        status: 504,
        code: 'upstream-deadline',
        message: 'This takes too long. Please try again in a moment.',
      };
    case 'request':
      return { status: 400, code: 'bad-request', message: 'This request cannot be read in one way only.' };
    case 'overload':
      return {
        status: 503,
        code: 'upstream-busy',
        message: 'Too many are asking just now. Please try again in a moment.',
        headers: ['retry-after', '1'],
      };
    case 'refused':
      return { status: 502, code: 'upstream-unreachable', message: NOT_NOW };
    case 'reset':
      return { status: 502, code: 'upstream-reset', message: NOT_NOW };
    case 'protocol':
      return { status: 502, code: 'upstream-protocol', message: NOT_NOW };
  }
}

/** True when the client was failed, by us or by an upstream: 500 and above, an answer cut short, or he gave up waiting. */
export function isOurFault(outcome: ForwardOutcome): boolean {
  switch (outcome.kind) {
    case 'answered':
      return outcome.status >= 500;
    case 'failed':
      return problemOf(outcome.failure).status >= 500;
    case 'cancelled':
      return outcome.hasGivenUp;
    case 'broken':
    case 'refused':
      return true;
  }
}

import type { ForwardOutcome } from '../forward/data-plane.ts';
import type { ProblemPage } from './error-page.ts';

type Unanswered = Extract<ForwardOutcome, { kind: 'failed' | 'refused' }>;

const NOT_NOW = 'This page cannot be shown just now. Please try again in a moment.';

/** What the client is told when no upstream answered him (RFC 9110 15.6). */
export function problemOf(outcome: Unanswered): ProblemPage {
  if (outcome.kind === 'refused') {
    return { status: 502, code: 'upstream-unavailable', message: NOT_NOW };
  }
  switch (outcome.failure) {
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

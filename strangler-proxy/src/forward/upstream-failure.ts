import { codeOf } from '@banyan/kit';
import type { ForwardFailure } from './domain/forward-outcome.ts';

/** An answer that is HTTP by its form, and must not be passed on. */
export class AnswerError extends Error {
  readonly code = 'upstream-answer';
  override readonly name = 'AnswerError';
}

/** Something took longer than it may. */
export class DeadlineError extends Error {
  readonly code = 'upstream-deadline';
  override readonly name = 'DeadlineError';
}

/** This machine has no more of something that a connection needs: the upstream is not to blame. */
const EXHAUSTION: ReadonlySet<string | null> = new Set([
  'EMFILE',
  'ENFILE',
  'ENOBUFS',
  'ENOMEM',
  'EADDRNOTAVAIL',
]);

/** What it means that no connection came to be. */
export function connectFailureOf(error: Error): ForwardFailure {
  if (error instanceof DeadlineError || codeOf(error) === 'ETIMEDOUT') return 'deadline';
  return EXHAUSTION.has(codeOf(error)) ? 'overload' : 'refused';
}

/** What it means that no answer came on a connection. */
export function answerFailureOf(error: Error): ForwardFailure {
  if (error instanceof DeadlineError) return 'deadline';
  // HPE_*: Node's parser could not read the answer.
  return error instanceof AnswerError || codeOf(error)?.startsWith('HPE_') ? 'protocol' : 'reset';
}

import { BaseError, ConnectionError, ConnectionAcquireTimeoutError } from 'sequelize';
import { errorCode } from '../error-code.ts';

/** SQLSTATEs of a server that goes down, comes up, or has no room (class 08, 57P01-03, 53300). */
const UNAVAILABLE_STATES = /^(08...|57P0[123]|53300)$/;
const UNAVAILABLE_CODES = new Set(['ECONNREFUSED', 'ECONNRESET', 'EPIPE', 'ETIMEDOUT']);
const UNAVAILABLE_TEXT =
  /Connection terminated|timeout exceeded when trying to connect|not queryable|Query read timeout/;

/** What an error was made of, if anything. */
function innerOf(error: object): unknown {
  if (error instanceof BaseError && 'original' in error) return error.original;
  return 'cause' in error ? error.cause : undefined;
}

/** Whether an error says that the database cannot be reached now, so that trying later makes sense. */
export function isDatabaseUnavailable(error: unknown): boolean {
  if (typeof error !== 'object' || error === null) return false;
  if (error instanceof ConnectionError || error instanceof ConnectionAcquireTimeoutError) return true;
  const code = errorCode(error);
  if (UNAVAILABLE_STATES.test(code) || UNAVAILABLE_CODES.has(code)) return true;
  if ('message' in error && typeof error.message === 'string' && UNAVAILABLE_TEXT.test(error.message))
    return true;
  const inner = innerOf(error);
  return inner !== error && isDatabaseUnavailable(inner);
}

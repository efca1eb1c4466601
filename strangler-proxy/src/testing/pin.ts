import { PIN_COOKIE } from '@banyan/contracts';
import { cookieOf, type Answer } from './fixtures.ts';

/** The pin that an answer sets. @throws Error with none. */
export function pinCookieOf(answer: Answer): string {
  const cookie = cookieOf(answer, PIN_COOKIE);
  if (cookie === null) throw new Error('the answer sets no pin');
  return cookie;
}

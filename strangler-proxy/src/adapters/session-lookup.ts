import type { Dispatcher } from 'undici';
import { z } from 'zod';
import type { LookUpSession } from '../use-cases/ports.ts';
import { requestWithin } from './request-within.ts';

const answerSchema = z.object({
  customer: z
    .object({ id: z.union([z.string().min(1), z.number().int().transform(String)]), displayName: z.string() })
    .nullable(),
});

/**
 * Asks the monolith's `GET /api/session`.
 *
 * @param options.cookieName Name of its session cookie.
 * @param options.deadlineMs Default 1,000.
 */
export function createSessionLookup(options: {
  readonly monolithUrl: () => string;
  readonly cookieName: string;
  readonly dispatcher: Dispatcher;
  readonly deadlineMs?: number;
}): LookUpSession {
  const { monolithUrl, cookieName, dispatcher, deadlineMs = 1_000 } = options;
  return async (cookie) => {
    const { statusCode, body } = await requestWithin(new URL('/api/session', monolithUrl()), {
      dispatcher,
      headers: { cookie: `${cookieName}=${cookie}`, accept: 'application/json' },
      signal: AbortSignal.timeout(deadlineMs),
    });
    if (statusCode !== 200) {
      await body.dump();
      throw new Error(`the monolith answered ${statusCode} when asked for a session`);
    }
    return answerSchema.parse(await body.json()).customer;
  };
}

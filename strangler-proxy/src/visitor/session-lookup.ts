import type { Dispatcher } from 'undici';
import { askInTurn } from '../outbound/ask-in-turn.ts';
import { requestWithin } from '../outbound/request-within.ts';
import type { LookUpSource, SessionCustomer } from './credential.ts';
import { createJwtCheck } from './jwt-check.ts';

/**
 * Asks the monolith whose a cookie or token is.
 *
 * @returns null when nobody is signed in.
 * @throws Error when the monolith does not say in time, or refuses the token.
 */
export type LookUpSession = (source: LookUpSource, value: string) => Promise<SessionCustomer | null>;

/** The value of a field such as `customer.id`; undefined when it or one on the way is not there. */
function fieldOf(answer: unknown, path: string): unknown {
  return path
    .split('.')
    .reduce<unknown>(
      (value, name) =>
        typeof value === 'object' && value !== null && Object.hasOwn(value, name)
          ? (value as Readonly<Record<string, unknown>>)[name]
          : undefined,
      answer,
    );
}

/** A text, or a whole number as one; null for anything else. */
function readId(id: unknown): string | null {
  if (typeof id === 'number') return Number.isSafeInteger(id) ? String(id) : null;
  return typeof id === 'string' && id !== '' ? id : null;
}

function readCustomer(
  answer: unknown,
  fields: { readonly id: string; readonly name: string },
): SessionCustomer | null {
  const given = fieldOf(answer, fields.id);
  if (given === null || given === undefined) return null;
  const id = readId(given);
  const displayName = fieldOf(answer, fields.name);
  if (id === null || typeof displayName !== 'string') {
    const wanted = id === null ? `id in "${fields.id}"` : `text in "${fields.name}"`;
    throw new Error(`the monolith's answer has no usable ${wanted}`);
  }
  return { id, displayName };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // The parser's own message shows a piece of the text, which is about a person, and this one is logged.
    throw new Error("the monolith's answer on who is signed in is no JSON");
  }
}

const headersFor = (source: LookUpSource, value: string): Record<string, string> =>
  'cookie' in source ? { cookie: `${source.cookie}=${value}` } : { authorization: `Bearer ${value}` };

/**
 * Asks the monolith at the address that the source names, e.g. `GET /api/session`; a JWT whose keys are known is checked
 * without it.
 *
 * @param options.monolithInTurn Its addresses in the order in which they are to be asked; the next one where no answer comes.
 * @param options.deadlineMs For all of them. Default 1,000.
 */
export function createSessionLookup(options: {
  readonly monolithInTurn: () => readonly string[];
  readonly dispatcher: Dispatcher;
  readonly deadlineMs?: number;
}): LookUpSession {
  const { monolithInTurn, dispatcher, deadlineMs = 1_000 } = options;
  const checkJwt = createJwtCheck({ monolithInTurn, dispatcher, deadlineMs });

  return async (source, value) => {
    const question = 'cookie' in source ? source : source.bearer;
    if ('jwks' in question) return checkJwt(question, value);
    const headers = { ...headersFor(source, value), accept: 'application/json' };
    const signal = AbortSignal.timeout(deadlineMs);
    const { statusCode, body } = await askInTurn(monolithInTurn(), signal, (monolith) =>
      requestWithin(new URL(question.lookUp, monolith), { dispatcher, headers, signal }),
    );
    if (statusCode === 200) return readCustomer(parseJson(await body.text()), question);
    await body.dump();
    // A session in which nobody is signed in is no fault; what a token that is refused would get, the monolith must say.
    if ((statusCode === 401 || statusCode === 403) && 'cookie' in source) return null;
    throw new Error(`the monolith answered ${statusCode} when asked who it is`);
  };
}

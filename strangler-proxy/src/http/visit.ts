import { randomBytes } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { OVERRIDE_HEADER, OVERRIDE_TOKEN_HEADER, PIN_COOKIE, VISITOR_COOKIE } from '@banyan/contracts';
import { isSameSecret } from '@banyan/kit';
import { parseCookie, type Cookies } from 'cookie';
import type { Target } from '../domain/decide.ts';
import type { PinCookies } from '../use-cases/ports.ts';

const VISITOR_ID = /^[A-Za-z0-9_-]{22}$/;
const VISITOR_MAX_AGE_SECONDS = 180 * 86_400;

export interface VisitOptions {
  readonly sessionCookie: string;
  readonly overrideToken: string;
  readonly pins: PinCookies;
}

/** What a request's headers say of who sends it. Parsed once, only as far as it is asked for. */
export interface Visit {
  /** Nonce of a pin that one of the proxies signed. */
  readonly pinNonce: string | null;
  /** Value of the monolith's session cookie, as sent. */
  readonly session: string | null;
  /** The visitor's id, when he has one of ours. */
  readonly visitorId: string | null;
  /** True when the override token is right. */
  readonly isTester: boolean;
  /** The side that an authorised override header asks for. */
  overrideFor(slice: string): Target | null;
}

function parseOverride(header: string, slice: string): Target | null {
  for (const part of header.split(',')) {
    const [name, side] = part.split('=').map((text) => text.trim());
    if (name === slice && (side === 'monolith' || side === 'service')) return side;
  }
  return null;
}

/** Reads a request's headers with the shop's and the proxy's own cookies in mind. */
export function createVisitReader(options: VisitOptions): (headers: IncomingHttpHeaders) => Visit {
  const { sessionCookie, overrideToken, pins } = options;
  const asSent = (value: string): string => value;

  return (headers) => {
    const { cookie } = headers;
    const token = headers[OVERRIDE_TOKEN_HEADER]?.toString();
    const override = headers[OVERRIDE_HEADER]?.toString();
    let parsed: Cookies | undefined;
    // The search saves the parse for the many requests that carry none of these.
    const read = (name: string): string | undefined =>
      cookie?.includes(name) ? (parsed ??= parseCookie(cookie, { decode: asSent }))[name] : undefined;
    const isTester = token !== undefined && isSameSecret(token, overrideToken);
    const visitor = read(VISITOR_COOKIE);
    return {
      pinNonce: pins.read(read(PIN_COOKIE)),
      session: read(sessionCookie) ?? null,
      visitorId: visitor !== undefined && VISITOR_ID.test(visitor) ? visitor : null,
      isTester,
      overrideFor: (slice) => (isTester && override !== undefined ? parseOverride(override, slice) : null),
    };
  };
}

/** A new visitor's id: 128 random bits. */
export const newVisitorId = (): string => randomBytes(16).toString('base64url');

/** The `Set-Cookie` value that keeps a visitor in his cohort. */
export const visitorCookie = (id: string): string =>
  `${VISITOR_COOKIE}=${id}; Max-Age=${VISITOR_MAX_AGE_SECONDS}; Path=/; HttpOnly; SameSite=Lax`;

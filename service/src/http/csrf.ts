import { randomBytes, timingSafeEqual } from 'node:crypto';
import type { Request, RequestHandler, Response } from 'express';
import { Refusal } from '../refusal.ts';

const TOKEN = /^[A-Za-z0-9_-]{32}$/;
const SAFE_METHODS = new Set(['GET', 'HEAD', 'OPTIONS']);

function readCookie(request: Request, name: string): string | undefined {
  for (const pair of (request.headers.cookie ?? '').split(';')) {
    const at = pair.indexOf('=');
    if (at > 0 && pair.slice(0, at).trim() === name) return pair.slice(at + 1).trim();
  }
  return undefined;
}

/** The visitor's token, for forms; empty when none was issued. */
export const csrfTokenOf = (response: Response): string =>
  (response.locals['csrfToken'] as string | undefined) ?? '';

/**
 * Gives a visitor his token, as a cookie, when he has none. Cookie and form may come from different sides: it matters to
 * neither who made the form.
 */
export function issueCsrfToken(cookieName: string): RequestHandler {
  return (request, response, next) => {
    const cookie = readCookie(request, cookieName);
    const known = cookie !== undefined && TOKEN.test(cookie);
    const token = known ? cookie : randomBytes(24).toString('base64url');
    if (!known && SAFE_METHODS.has(request.method)) {
      response.cookie(cookieName, token, { sameSite: 'lax', secure: request.secure, path: '/' });
    }
    response.locals['csrfToken'] = token;
    next();
  };
}

function comesFromHere(request: Request, origin: string): boolean {
  // `protocol` and `host` follow X-Forwarded-* only where the connection comes from a trusted proxy.
  const own = `${request.protocol}://${request.host}`;
  return URL.canParse(origin) && URL.canParse(own) && new URL(origin).origin === new URL(own).origin;
}

function sentToken(request: Request): unknown {
  const body: unknown = request.body;
  if (typeof body === 'object' && body !== null && '_csrf' in body) return body._csrf;
  return request.get('x-csrf-token');
}

/**
 * Refuses an unsafe request of another site: `Origin`, where sent, is our own, and the field `_csrf` (or the header
 * `x-csrf-token`) repeats the cookie, where there is one. Wants the parsed body.
 *
 * @throws Refusal `forbidden`
 */
export function refuseForged(request: Request, cookieName: string | undefined): void {
  const origin = request.get('origin');
  if (origin !== undefined && !comesFromHere(request, origin)) {
    throw new Refusal('forbidden', 'This form was sent from another site, so nothing was done.');
  }
  if (cookieName === undefined) return;
  const cookie = readCookie(request, cookieName);
  const sent = sentToken(request);
  const repeats =
    cookie !== undefined &&
    TOKEN.test(cookie) &&
    typeof sent === 'string' &&
    sent.length === cookie.length &&
    timingSafeEqual(Buffer.from(sent), Buffer.from(cookie));
  if (!repeats) {
    throw new Refusal('forbidden', 'This form is out of date. Reload the page and send it again.');
  }
}

import { randomBytes, timingSafeEqual } from 'node:crypto';
import type { Request, RequestHandler } from 'express';
import { ShopError } from './shop-error.ts';

/** Cookie that a form's `_csrf` field (or the header `x-csrf-token`) must repeat. Readable by scripts on purpose. */
export const CSRF_COOKIE = 'csrf';
const TOKEN = /^[A-Za-z0-9_-]{32}$/;
const SAFE_METHODS = new Set(['GET', 'HEAD', 'OPTIONS']);

function readCookie(req: Request, name: string): string | undefined {
  for (const pair of (req.headers.cookie ?? '').split(';')) {
    const at = pair.indexOf('=');
    if (at > 0 && pair.slice(0, at).trim() === name) return pair.slice(at + 1).trim();
  }
  return undefined;
}

/** Gives every visitor a token: a cookie when there is none yet, and `res.locals.csrfToken` for the forms. */
export const issueCsrfToken: RequestHandler = (req, res, next) => {
  const cookie = readCookie(req, CSRF_COOKIE);
  const known = cookie !== undefined && TOKEN.test(cookie);
  const token = known ? cookie : randomBytes(24).toString('base64url');
  if (!known && SAFE_METHODS.has(req.method)) {
    res.cookie(CSRF_COOKIE, token, { sameSite: 'lax', secure: req.secure, path: '/' });
  }
  res.locals['csrfToken'] = token;
  next();
};

function originMatches(req: Request, origin: string): boolean {
  // `protocol` and `host` follow X-Forwarded-* only where the connection comes from a trusted proxy.
  if (!URL.canParse(origin)) return false;
  const own = `${req.protocol}://${req.host}`;
  return URL.canParse(own) && new URL(origin).origin === new URL(own).origin;
}

function sentToken(req: Request): unknown {
  const body: unknown = req.body;
  if (typeof body === 'object' && body !== null && '_csrf' in body) return body._csrf;
  return req.get('x-csrf-token');
}

function equal(a: string, b: string): boolean {
  return a.length === b.length && timingSafeEqual(Buffer.from(a), Buffer.from(b));
}

/**
 * Refuses unsafe requests of other sites: `Origin`, where sent, must be our own, and the token sent must equal
 * the cookie. Nothing is kept on the server, so it does not matter who rendered the form. Needs the parsed body.
 */
export const refuseForgedRequests: RequestHandler = (req, _res, next) => {
  if (SAFE_METHODS.has(req.method)) {
    next();
    return;
  }
  const origin = req.get('origin');
  if (origin !== undefined && !originMatches(req, origin)) {
    throw new ShopError('csrf-refused', 'This form was sent from another site, so nothing was done.');
  }
  const cookie = readCookie(req, CSRF_COOKIE);
  const sent = sentToken(req);
  if (cookie === undefined || !TOKEN.test(cookie) || typeof sent !== 'string' || !equal(sent, cookie)) {
    throw new ShopError('csrf-refused', 'This form is out of date. Reload the page and send it again.');
  }
  next();
};

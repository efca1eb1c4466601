import { randomBytes } from 'node:crypto';
import type { Request, RequestHandler } from 'express';

/** Cookie that a form's `_csrf` field repeats. Shop and service share it: it matters to neither who made the form. */
const COOKIE = 'csrf';
const TOKEN = /^[A-Za-z0-9_-]{32}$/;

function readCookie(request: Request, name: string): string | undefined {
  for (const pair of (request.headers.cookie ?? '').split(';')) {
    const at = pair.indexOf('=');
    if (at > 0 && pair.slice(0, at).trim() === name) return pair.slice(at + 1).trim();
  }
  return undefined;
}

/** Puts the visitor's token into `response.locals.csrfToken`; gives him one, as a cookie, when he has none. */
export const issueCsrfToken: RequestHandler = (request, response, next) => {
  const cookie = readCookie(request, COOKIE);
  const known = cookie !== undefined && TOKEN.test(cookie);
  const token = known ? cookie : randomBytes(24).toString('base64url');
  if (!known) response.cookie(COOKIE, token, { sameSite: 'lax', secure: request.secure, path: '/' });
  response.locals['csrfToken'] = token;
  next();
};

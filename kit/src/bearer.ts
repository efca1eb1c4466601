import { createHash, timingSafeEqual } from 'node:crypto';
import type { RequestHandler } from 'express';

/** Compares two secrets in a time that does not depend on where they differ. */
export function isSameSecret(a: string, b: string): boolean {
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(a), digest(b));
}

/** True when the header is `Bearer <token>` (RFC 6750). */
export function hasBearer(authorization: string | undefined, token: string): boolean {
  return authorization !== undefined && isSameSecret(authorization, `Bearer ${token}`);
}

/** Express middleware: 401 unless the request carries `Authorization: Bearer <token>`. */
export function requireBearer(token: string): RequestHandler {
  return (request, response, next) => {
    if (hasBearer(request.headers.authorization, token)) {
      next();
      return;
    }
    response
      .status(401)
      .set('www-authenticate', 'Bearer')
      .json({
        error: { code: 'unauthorized', message: 'This address wants a bearer token.' },
      });
  };
}

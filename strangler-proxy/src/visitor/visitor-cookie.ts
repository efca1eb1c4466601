import { randomBytes } from 'node:crypto';
import { VISITOR_COOKIE } from '@banyan/contracts';

const VISITOR_ID = /^[A-Za-z0-9_-]{22}$/;
const VISITOR_MAX_AGE_SECONDS = 180 * 86_400;

/** True for a value that `newVisitorId` may have made. */
export const isVisitorId = (value: string): boolean => VISITOR_ID.test(value);

/** A new visitor's id: 128 random bits. */
export const newVisitorId = (): string => randomBytes(16).toString('base64url');

/** The `Set-Cookie` value that keeps a visitor in his cohort. */
export const visitorCookie = (id: string, isSecure: boolean): string =>
  `${VISITOR_COOKIE}=${id}; Max-Age=${VISITOR_MAX_AGE_SECONDS}; Path=/; HttpOnly; SameSite=Lax${isSecure ? '; Secure' : ''}`;

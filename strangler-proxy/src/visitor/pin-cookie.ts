import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { PIN_COOKIE } from '@banyan/contracts';
import type { PinCookies } from '../ports.ts';

const NONCE = /^[A-Za-z0-9_-]{16}$/;
/** Longer than any copy may lag; a cookie that nobody clears ends by itself. */
const MAX_AGE_SECONDS = 3_600;

const attributes = (isSecure: boolean): string =>
  `Path=/; HttpOnly; SameSite=Lax${isSecure ? '; Secure' : ''}`;

/** Pins signed with HMAC-SHA-256. @param secret At least 16 characters. */
export function createPinCookies(secret: string): PinCookies {
  const sign = (nonce: string): Buffer => createHmac('sha256', secret).update(`pin:${nonce}`).digest();
  return {
    issue(isSecure) {
      const nonce = randomBytes(12).toString('base64url');
      const value = `${nonce}.${sign(nonce).toString('base64url')}`;
      return `${PIN_COOKIE}=${value}; Max-Age=${MAX_AGE_SECONDS}; ${attributes(isSecure)}`;
    },
    read(value) {
      const [nonce = '', signature = '', more] = value?.split('.') ?? [];
      if (more !== undefined || !NONCE.test(nonce)) return null;
      const wanted = sign(nonce);
      const got = Buffer.from(signature, 'base64url');
      return got.length === wanted.length && timingSafeEqual(got, wanted) ? nonce : null;
    },
    clearing: (isSecure) => `${PIN_COOKIE}=; Max-Age=0; ${attributes(isSecure)}`,
  };
}

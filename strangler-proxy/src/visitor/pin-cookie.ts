import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { PIN_COOKIE } from '@banyan/contracts';

/** Makes and reads pins: `<nonce>.<HMAC of the nonce>`. All proxies share the secret, so each reads the others' pins. */
export interface PinCookies {
  /** A `Set-Cookie` value with a new nonce. @param isSecure True when the client came by TLS. */
  issue(isSecure: boolean): string;
  /** The nonce of a cookie's value that one of the proxies signed, else null. */
  read(value: string | undefined): string | null;
  /** A `Set-Cookie` value that takes the pin away. */
  clearing(isSecure: boolean): string;
}

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

import { createHash } from 'node:crypto';
import type { IdentitySigner } from '@banyan/kit';
import type { LookUpSession, SessionCustomer } from './ports.ts';

/** Who asks, as far as the monolith knows. */
export interface Identity {
  /** Null for a session in which nobody is signed in. */
  readonly customer: SessionCustomer | null;
  /** A token for one service; null when nobody is signed in. */
  tokenFor(audience: string): Promise<string | null>;
}

/** Knows who sessions belong to, by asking the monolith and remembering it for seconds. */
export interface IdentityKeeper {
  /** @param sessionCookie The cookie's value as sent. @throws Error when the monolith does not answer. */
  identify(sessionCookie: string): Promise<Identity>;
  /** The session may have changed hands: whatever is asked from now on is asked of the monolith. */
  forget(sessionCookie: string): void;
}

interface Entry {
  readonly identity: Promise<Identity>;
  readonly expiresAtMs: number;
}

// The cookie is a credential: only its digest is kept.
const digest = (cookie: string): string => createHash('sha256').update(cookie).digest('base64url');

function toIdentity(customer: SessionCustomer | null, signer: IdentitySigner): Identity {
  const tokens = new Map<string, Promise<string>>();
  return {
    customer,
    tokenFor(audience) {
      if (!customer) return Promise.resolve(null);
      let token = tokens.get(audience);
      if (!token) {
        token = signer.sign({ sub: customer.id, name: customer.displayName }, audience);
        tokens.set(audience, token);
      }
      return token;
    },
  };
}

/**
 * @param options.ttlMs How long an answer is remembered; below a token's minute. Default 3,000.
 * @param options.maxEntries Sessions remembered at most; the oldest goes first. Default 10,000.
 */
export function createIdentityKeeper(options: {
  readonly lookUp: LookUpSession;
  readonly signer: IdentitySigner;
  readonly nowMs?: () => number;
  readonly ttlMs?: number;
  readonly maxEntries?: number;
}): IdentityKeeper {
  const { lookUp, signer, nowMs = () => performance.now(), ttlMs = 3_000, maxEntries = 10_000 } = options;
  const entries = new Map<string, Entry>();

  function remember(key: string, identity: Promise<Identity>): void {
    const entry = { identity, expiresAtMs: nowMs() + ttlMs };
    entries.delete(key); // to the end of the map's order
    entries.set(key, entry);
    if (entries.size > maxEntries) {
      for (const oldest of entries.keys()) {
        entries.delete(oldest);
        break;
      }
    }
    identity.catch(() => {
      if (entries.get(key) === entry) entries.delete(key); // a failure is not remembered; the caller hears of it
    });
  }

  return {
    identify(sessionCookie) {
      const key = digest(sessionCookie);
      const known = entries.get(key);
      if (known && known.expiresAtMs > nowMs()) return known.identity;
      const identity = lookUp(sessionCookie).then((customer) => toIdentity(customer, signer));
      remember(key, identity);
      return identity;
    },
    forget(sessionCookie) {
      entries.delete(digest(sessionCookie));
    },
  };
}

import { createHash } from 'node:crypto';
import type { IdentitySigner } from '@banyan/kit';
import type { Credential, SessionCustomer } from './credential.ts';
import type { LookUpSession } from './session-lookup.ts';

/** Who asks, as far as the monolith knows. */
export interface Identity {
  /** Null for a session in which nobody is signed in. */
  readonly customer: SessionCustomer | null;
  /** A token for one service; null when nobody is signed in. */
  tokenFor(audience: string): Promise<string | null>;
}

/** Knows who sessions belong to, by asking the monolith and remembering it for seconds. */
export interface SessionCache {
  /** @throws Error when the monolith does not say who it is. */
  identify(credential: Credential): Promise<Identity>;
  /** It may have changed hands: whatever is asked from now on is asked of the monolith. */
  forget(credential: Credential): void;
}

interface Entry {
  readonly identity: Promise<Identity>;
  readonly expiresAtMs: number;
}

/** Only the digest of what opens a session is kept. */
function digest(credential: Credential): string {
  const parts =
    credential.kind === 'named'
      ? ['named', credential.customer.id, credential.customer.displayName]
      : ['cookie' in credential.source ? credential.source.cookie : 'bearer', credential.value];
  return createHash('sha256').update(parts.join('\0')).digest('base64url');
}

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
 * @param options.maxEntries Sessions and tokens remembered at most; the oldest goes first. Default 10,000.
 */
export function createSessionCache(options: {
  readonly lookUp: LookUpSession;
  readonly signer: IdentitySigner;
  readonly nowMs?: () => number;
  readonly ttlMs?: number;
  readonly maxEntries?: number;
}): SessionCache {
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
    identify(credential) {
      const key = digest(credential);
      const entry = entries.get(key);
      if (entry && entry.expiresAtMs > nowMs()) return entry.identity;
      const customer =
        credential.kind === 'named'
          ? Promise.resolve(credential.customer)
          : lookUp(credential.source, credential.value);
      const identity = customer.then((known) => toIdentity(known, signer));
      remember(key, identity);
      return identity;
    },
    forget(credential) {
      entries.delete(digest(credential));
    },
  };
}

import type { IncomingMessage } from 'node:http';
import { OVERRIDE_HEADER, OVERRIDE_TOKEN_HEADER, PIN_COOKIE, type VisitorSettings } from '@banyan/contracts';
import { isSameSecret } from '@banyan/kit';
import type { Target } from '../routes/domain/sides.ts';
import type { Credential } from './credential.ts';
import type { PinKey } from './key-pins.ts';
import type { PinCookies } from './pin-cookie.ts';
import { RequestReader, type InFront } from './request-reader.ts';
import { keysOf, type Keys } from './visitor-keys.ts';

export interface VisitOptions extends InFront {
  readonly overrideToken: string;
  readonly pins: PinCookies;
}

/** What a request says of who sends it. Parsed once, only as far as it is asked for. */
export interface Visit {
  /** Nonce of a pin that one of the proxies signed. */
  readonly pinNonce: string | null;
  /** What says who is signed in; null when nothing does. */
  readonly credential: Credential | null;
  /** The visitor's id, when he has one of ours. */
  readonly visitorId: string | null;
  /** What tells him apart while nobody is signed in: his id, or a digest; null for nothing. */
  readonly key: string | null;
  /** What a write pins him by at this proxy, in case he keeps no cookies. */
  readonly pinKeys: readonly PinKey[];
  /** True when he came by TLS, so that cookies are not to travel without it. */
  readonly isSecure: boolean;
  /** True when the override token is right. */
  readonly isTester: boolean;
  /** The side that an authorised override header asks for. */
  overrideFor(slice: string): Target | null;
}

/** @param visitors Settings of the routes in use; null with none. */
export type ReadVisit = (request: IncomingMessage, visitors: VisitorSettings | null) => Visit;

const NOBODY: VisitorSettings = { identity: [], keys: [], withoutKey: 'monolith' };

function parseOverride(header: string, slice: string): Target | null {
  for (const part of header.split(',')) {
    const [name, side] = part.split('=').map((text) => text.trim());
    if (name === slice && (side === 'monolith' || side === 'service')) return side;
  }
  return null;
}

/** Reads requests with the monolith's and the proxy's own cookies and headers in mind. */
export function createVisitReader(options: VisitOptions): ReadVisit {
  const { overrideToken, pins } = options;
  return (request, settings) => {
    const visitors = settings ?? NOBODY;
    const reader = new RequestReader(request, options);
    const token = reader.header(OVERRIDE_TOKEN_HEADER);
    const override = reader.header(OVERRIDE_HEADER);
    const isTester = token !== null && isSameSecret(token, overrideToken);
    const credential = reader.credential(visitors.identity);
    let keys: Keys | undefined;
    const readKeys = (): Keys => (keys ??= keysOf(reader, credential, visitors));
    return {
      pinNonce: pins.read(reader.cookie(PIN_COOKIE) ?? undefined),
      credential,
      visitorId: reader.visitorId,
      get key() {
        return readKeys().key;
      },
      get pinKeys() {
        return readKeys().pinKeys;
      },
      get isSecure() {
        return reader.isSecure;
      },
      isTester,
      overrideFor: (slice) => (isTester && override !== null ? parseOverride(override, slice) : null),
    };
  };
}

import { createHash, randomBytes } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import {
  OVERRIDE_HEADER,
  OVERRIDE_TOKEN_HEADER,
  PIN_COOKIE,
  VISITOR_COOKIE,
  type IdentitySource,
  type VisitorKey,
  type VisitorSettings,
} from '@banyan/contracts';
import { isSameSecret } from '@banyan/kit';
import { parseCookie, type Cookies } from 'cookie';
import type { Target } from '../decide/domain/decide.ts';
import type { Credential, PinCookies, PinKey } from '../ports.ts';

const VISITOR_ID = /^[A-Za-z0-9_-]{22}$/;
const VISITOR_MAX_AGE_SECONDS = 180 * 86_400;
const BEARER = /^Bearer +([\w\-.~+/]+=*) *$/i;

export interface VisitOptions {
  readonly overrideToken: string;
  readonly pins: PinCookies;
  /** Proxies in front, whose `X-Forwarded-*` are believed. */
  readonly trustedProxies: readonly string[];
  /** True when the address is one of the addresses or in one of the subnets. */
  readonly isAmong: (address: string, entries: readonly string[]) => boolean;
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

/** What stands for a key wherever one is kept or counted: none of them is readable there. 128 bits. */
export const digestOfKey = (value: string): string =>
  createHash('sha256').update(value).digest('base64url').slice(0, 22);

function parseOverride(header: string, slice: string): Target | null {
  for (const part of header.split(',')) {
    const [name, side] = part.split('=').map((text) => text.trim());
    if (name === slice && (side === 'monolith' || side === 'service')) return side;
  }
  return null;
}

/** The claim that names the token's subject. Unverified: it opens nothing, and a forged one gets but another cohort. */
function claimOf(token: string, name: string): string | null {
  try {
    const claims: unknown = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString());
    const claim = (claims as Readonly<Record<string, unknown>> | null)?.[name];
    return typeof claim === 'string' || typeof claim === 'number' ? String(claim) : null;
  } catch {
    return null; // no JWT, and need not be one
  }
}

/** One request being read. */
class RequestReader {
  readonly #request: IncomingMessage;
  readonly #options: VisitOptions;
  #cookies: Cookies | undefined;

  constructor(request: IncomingMessage, options: VisitOptions) {
    this.#request = request;
    this.#options = options;
  }

  get peer(): string {
    return this.#request.socket.remoteAddress ?? 'unknown';
  }

  header(name: string): string | null {
    return this.#request.headers[name]?.toString() ?? null;
  }

  cookie(name: string): string | null {
    const { cookie } = this.#request.headers;
    // The search saves the parse for the many requests that carry none of these.
    if (!cookie?.includes(name)) return null;
    this.#cookies ??= parseCookie(cookie, { decode: (value) => value });
    return this.#cookies[name] ?? null;
  }

  get bearer(): string | null {
    return BEARER.exec(this.header('authorization') ?? '')?.[1] ?? null;
  }

  get visitorId(): string | null {
    const id = this.cookie(VISITOR_COOKIE);
    return id !== null && VISITOR_ID.test(id) ? id : null;
  }

  get isSecure(): boolean {
    const { isAmong, trustedProxies } = this.#options;
    const said = isAmong(this.peer, trustedProxies) ? this.header('x-forwarded-proto') : null;
    return said?.split(',')[0]?.trim().toLowerCase() === 'https';
  }

  credential(sources: readonly IdentitySource[]): Credential | null {
    for (const source of sources) {
      if ('header' in source) {
        const id = this.#options.isAmong(this.peer, source.from) ? this.header(source.header) : null;
        const displayName = source.name === undefined ? id : this.header(source.name);
        if (id) return { kind: 'named', customer: { id, displayName: displayName ?? id } };
        continue;
      }
      const value = 'cookie' in source ? this.cookie(source.cookie) : this.bearer;
      if (value !== null) return { kind: 'look-up', source, value };
    }
    return null;
  }

  /** What is sent for a key; null for none. */
  valueOf(key: Exclude<VisitorKey, 'visitor-cookie'>): string | null {
    if ('cookie' in key) return this.cookie(key.cookie);
    if ('header' in key) return this.header(key.header);
    if ('apiKey' in key) return this.header(key.apiKey);
    const token = this.bearer;
    return token && (claimOf(token, key.bearer) ?? token);
  }

  /**
   * What a client without a key looks like. Null for a browser: its next request carries the cookie that it gets with
   * this one, and would be dealt anew.
   */
  get fingerprint(): string | null {
    if (this.header('sec-fetch-mode') !== null || this.header('accept')?.includes('text/html')) return null;
    const headers = ['user-agent', 'accept-language', 'accept-encoding', 'authorization'];
    return [this.#client, ...headers.map((name) => this.header(name))].join('\n');
  }

  /** The nearest address that is none of the trusted proxies'. */
  get #client(): string {
    const { isAmong, trustedProxies } = this.#options;
    const hops = [...(this.header('x-forwarded-for')?.split(',') ?? []), this.peer].map((hop) => hop.trim());
    while (hops.length > 1 && isAmong(hops.at(-1) ?? '', trustedProxies)) hops.pop();
    return hops.at(-1) ?? '';
  }
}

interface Keys {
  readonly key: string | null;
  readonly pinKeys: readonly PinKey[];
}

function keysOf(reader: RequestReader, credential: Credential | null, visitors: VisitorSettings): Keys {
  const pinKeys: PinKey[] = [];
  if (credential?.kind === 'named') {
    pinKeys.push({ digest: digestOfKey(credential.customer.id), isCookie: false });
  } else if (credential) {
    const isCookie = 'cookie' in credential.source;
    pinKeys.push({ digest: digestOfKey(credential.value), isCookie });
  }
  let key: string | null = null;
  for (const source of visitors.keys) {
    if (source === 'visitor-cookie') {
      key ??= reader.visitorId;
      continue;
    }
    const value = reader.valueOf(source);
    if (value === null || value === '') continue;
    const digest = digestOfKey(value);
    key ??= digest;
    pinKeys.push({ digest, isCookie: 'cookie' in source });
  }
  if (key === null && visitors.withoutKey === 'fingerprint') {
    const { fingerprint } = reader;
    if (fingerprint !== null) {
      key = digestOfKey(fingerprint);
      pinKeys.push({ digest: key, isCookie: false });
    }
  }
  return { key, pinKeys };
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

/** A new visitor's id: 128 random bits. */
export const newVisitorId = (): string => randomBytes(16).toString('base64url');

/** The `Set-Cookie` value that keeps a visitor in his cohort. */
export const visitorCookie = (id: string, isSecure: boolean): string =>
  `${VISITOR_COOKIE}=${id}; Max-Age=${VISITOR_MAX_AGE_SECONDS}; Path=/; HttpOnly; SameSite=Lax${isSecure ? '; Secure' : ''}`;

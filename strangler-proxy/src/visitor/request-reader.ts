import type { IncomingMessage } from 'node:http';
import { VISITOR_COOKIE, type IdentitySource, type VisitorKey } from '@banyan/contracts';
import { parseCookie, type Cookies } from 'cookie';
import type { Credential } from './credential.ts';
import { isVisitorId } from './visitor-cookie.ts';

const BEARER = /^Bearer +([\w\-.~+/]+=*) *$/i;

/** What has to be known of what stands in front. */
export interface InFront {
  /** Proxies in front, whose `X-Forwarded-*` are believed. */
  readonly trustedProxies: readonly string[];
  /** True when the address is one of the addresses or in one of the subnets. */
  readonly isAmong: (address: string, entries: readonly string[]) => boolean;
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
export class RequestReader {
  readonly #request: IncomingMessage;
  readonly #inFront: InFront;
  #cookies: Cookies | undefined;

  constructor(request: IncomingMessage, inFront: InFront) {
    this.#request = request;
    this.#inFront = inFront;
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
    return id !== null && isVisitorId(id) ? id : null;
  }

  get isSecure(): boolean {
    const { isAmong, trustedProxies } = this.#inFront;
    const said = isAmong(this.peer, trustedProxies) ? this.header('x-forwarded-proto') : null;
    return said?.split(',')[0]?.trim().toLowerCase() === 'https';
  }

  credential(sources: readonly IdentitySource[]): Credential | null {
    for (const source of sources) {
      if ('header' in source) {
        const id = this.#inFront.isAmong(this.peer, source.from) ? this.header(source.header) : null;
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
    const { isAmong, trustedProxies } = this.#inFront;
    const hops = [...(this.header('x-forwarded-for')?.split(',') ?? []), this.peer].map((hop) => hop.trim());
    while (hops.length > 1 && isAmong(hops.at(-1) ?? '', trustedProxies)) hops.pop();
    return hops.at(-1) ?? '';
  }
}

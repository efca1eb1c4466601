import type { BlockList } from 'node:net';
import type { IncomingMessage } from 'node:http';
import type { Withhold } from '../routes/domain/withheld-headers.ts';
import { isTrusted, peerAddress } from './client-address.ts';
import { HOP_BY_HOP, namedByConnection } from './domain/connection-headers.ts';

/** Set anew by the proxy, or dealt with here; what a client sent under these names is never believed. */
const REBUILT = new Set(['expect', 'forwarded', 'via', 'x-real-ip']);

/** Families of headers that are ours alone. */
const OURS = ['banyan-', 'x-forwarded-'];

/**
 * True when a client's header of this name, in lower case, does not go on. Many servers take `_` for `-` (CGI, WSGI,
 * PHP), so that `x_forwarded_for` would stand beside ours, or in its place.
 */
function isDropped(lower: string): boolean {
  const name = lower.includes('_') ? lower.replaceAll('_', '-') : lower;
  return HOP_BY_HOP.has(name) || REBUILT.has(name) || OURS.some((prefix) => name.startsWith(prefix));
}

/** The client as the next server shall know him. Only a trusted peer's own word on him is passed on. */
function originOfRequest(request: IncomingMessage, trusted: BlockList | null): string[] {
  const { headers, socket } = request;
  const peer = peerAddress(socket);
  const isBelieved = isTrusted(peer, trusted);
  const said = (name: string): string | undefined => (isBelieved ? headers[name]?.toString() : undefined);
  const before = said('x-forwarded-for');
  const host = said('x-forwarded-host') ?? headers.host;
  return [
    'x-forwarded-for',
    before ? `${before}, ${peer}` : peer,
    ...(host === undefined ? [] : ['x-forwarded-host', host]),
    'x-forwarded-proto',
    said('x-forwarded-proto') ?? 'http',
  ];
}

export interface RequestHeaderOptions {
  /** Name of this proxy in Via. */
  readonly pseudonym: string;
  /** Peers whose X-Forwarded-* are believed; null for none. */
  readonly trusted: BlockList | null;
  /** Added at the end; name, value, name, value. */
  readonly extra: readonly string[];
  /** What of the client's own headers passes. Default: all. */
  readonly withhold?: Withhold | undefined;
}

/** Headers for the upstream, in the order and letter case in which they came; name, value, name, value. */
export function upstreamRequestHeaders(
  request: IncomingMessage,
  { pseudonym, trusted, extra, withhold }: RequestHeaderOptions,
): string[] {
  const raw = request.rawHeaders;
  const named = namedByConnection(request.headers.connection);
  const headers: string[] = [];
  for (let i = 0; i + 1 < raw.length; i += 2) {
    const name = raw[i] ?? '';
    const lower = name.toLowerCase();
    if (isDropped(lower)) continue;
    if (named.length > 0 && named.includes(lower)) continue;
    const value = raw[i + 1] ?? '';
    const passing = withhold ? withhold(lower, value) : value;
    if (passing !== null) headers.push(name, passing);
  }
  const via = `${request.httpVersion} ${pseudonym}`;
  headers.push('via', request.headers.via === undefined ? via : `${request.headers.via}, ${via}`);
  headers.push(...originOfRequest(request, trusted), ...extra);
  return headers;
}

import { BlockList, isIP, isIPv6, type Socket } from 'node:net';
import type { IncomingMessage } from 'node:http';
import { SERVED_BY_HEADER } from '@banyan/contracts';
import type { Withhold } from '../routes/domain/withheld-headers.ts';

/** Headers that belong to one connection (RFC 9110 7.6.1), and those by which a body comes: `request-head.ts` and `answer-head.ts` set them anew. */
const HOP_BY_HOP = new Set([
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

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

/** Framing and addressing are the proxy's business: a client cannot have them dropped by naming them in Connection. */
const KEPT = new Set(['content-length', 'host', 'set-cookie']);

/** Reads addresses of proxies in front, e.g. `10.0.0.1` or `10.0.0.0/8`; null for none. @throws Error for other text. */
export function trustedAddresses(entries: readonly string[]): BlockList | null {
  if (entries.length === 0) return null;
  const list = new BlockList();
  for (const entry of entries) {
    const [address = '', prefix] = entry.split('/');
    const family = isIPv6(address) ? 'ipv6' : 'ipv4';
    if (prefix === undefined) list.addAddress(address, family);
    else list.addSubnet(address, Number(prefix), family);
  }
  return list;
}

/** True for an address of a proxy in front. */
export function isTrusted(address: string, trusted: BlockList | null): boolean {
  return isIP(address) !== 0 && (trusted?.check(address, isIPv6(address) ? 'ipv6' : 'ipv4') ?? false);
}

/** The other end's address; IPv4 as such, also on a listener for both (RFC 4291 2.5.5.2). */
export function peerAddress({ remoteAddress = 'unknown' }: Socket): string {
  return remoteAddress.replace(/^::ffff:(?=\d+\.)/, '');
}

/** The client's address: the peer's, or what trusted proxies in front say of whom they serve. */
export function clientAddress({ headers, socket }: IncomingMessage, trusted: BlockList | null): string {
  let address = peerAddress(socket);
  const hops = headers['x-forwarded-for']?.toString().split(',') ?? [];
  while (hops.length > 0 && isTrusted(address, trusted)) {
    const hop = hops.pop()?.trim() ?? '';
    if (isIP(hop) === 0) break;
    address = hop;
  }
  return address;
}

function namedByConnection(connection: string | undefined): readonly string[] {
  if (connection === undefined) return [];
  const value = connection.toLowerCase();
  if (value === 'keep-alive' || value === 'close') return []; // nearly always
  return value
    .split(',')
    .map((name) => name.trim())
    .filter((name) => !KEPT.has(name));
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

/** Headers for the client, duplicates and order kept; name, value, name, value. */
export function clientResponseHeaders(raw: readonly string[], extra: readonly string[]): string[] {
  let connection: string | undefined;
  for (let i = 0; i + 1 < raw.length; i += 2) {
    if (raw[i]?.toLowerCase() !== 'connection') continue;
    connection = connection === undefined ? raw[i + 1] : `${connection},${raw[i + 1] ?? ''}`;
  }
  const named = namedByConnection(connection);
  const headers: string[] = [];
  for (let i = 0; i + 1 < raw.length; i += 2) {
    const name = raw[i] ?? '';
    const lower = name.toLowerCase();
    if (HOP_BY_HOP.has(lower) || lower === SERVED_BY_HEADER || named.includes(lower)) continue;
    headers.push(name, raw[i + 1] ?? '');
  }
  headers.push('via', '1.1 banyan', ...extra);
  return headers;
}

/** True when this very proxy has had the request before: an upstream's address leads back here. */
export function isLoop(request: IncomingMessage, pseudonym: string): boolean {
  const via = request.headers.via;
  return via !== undefined && via.split(',').some((hop) => hop.trim().split(' ')[1] === pseudonym);
}

/** True when the address is among these addresses and subnets. Each list is read once. */
export function createAddressCheck(): (address: string, entries: readonly string[]) => boolean {
  const lists = new WeakMap<readonly string[], BlockList | null>();
  return (address, entries) => {
    let list = lists.get(entries);
    if (list === undefined) lists.set(entries, (list = trustedAddresses(entries)));
    return isIP(address) !== 0 && (list?.check(address, isIPv6(address) ? 'ipv6' : 'ipv4') ?? false);
  };
}

import type { IncomingMessage } from 'node:http';
import { BlockList, isIP, isIPv6, type Socket } from 'node:net';

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

/** True when the address is among these addresses and subnets. Each list is read once. */
export function createAddressCheck(): (address: string, entries: readonly string[]) => boolean {
  const lists = new WeakMap<readonly string[], BlockList | null>();
  return (address, entries) => {
    let list = lists.get(entries);
    if (list === undefined) lists.set(entries, (list = trustedAddresses(entries)));
    return isIP(address) !== 0 && (list?.check(address, isIPv6(address) ? 'ipv6' : 'ipv4') ?? false);
  };
}

import { isIPv6 } from 'node:net';

/** `http://HOST:PORT`, with an IPv6 address in brackets (RFC 3986 3.2.2). */
export function urlOf({ host, port }: { readonly host: string; readonly port: number }): string {
  return `http://${isIPv6(host) ? `[${host}]` : host}:${port}`;
}

/** Headers that belong to one connection (RFC 9110 7.6.1), and those by which a body comes: `request-head.ts` and `answer-head.ts` set them anew. */
export const HOP_BY_HOP: ReadonlySet<string> = new Set([
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

/** Framing and addressing are the proxy's business: a client cannot have them dropped by naming them in Connection. */
const KEPT = new Set(['content-length', 'host', 'set-cookie']);

/** Further names, in lower case, that a `Connection` header says belong to this connection. */
export function namedByConnection(connection: string | undefined): readonly string[] {
  if (connection === undefined) return [];
  const value = connection.toLowerCase();
  if (value === 'keep-alive' || value === 'close') return []; // nearly always
  return value
    .split(',')
    .map((name) => name.trim())
    .filter((name) => !KEPT.has(name));
}

/**
 * Moves `Content-Length` to the end: after it Node takes `Content-Disposition` for UTF-8, and changes its bytes or
 * refuses them.
 */
export function withLengthLast(headers: string[]): string[] {
  for (let i = 0; i < headers.length; i += 2) {
    if (headers[i]?.length === 14 && headers[i]?.toLowerCase() === 'content-length') {
      headers.push(...headers.splice(i, 2));
      break;
    }
  }
  return headers;
}

/** The cookies of one visitor on one site. Paths and domains are not kept: the shop has one of each. */
export interface CookieJar {
  /** Takes the values of an answer's `Set-Cookie` headers. A cookie that has expired is forgotten. */
  store(setCookies: readonly string[], nowMs: number): void;
  /** Value for the `Cookie` header; empty when there is none. */
  header(nowMs: number): string;
  get(name: string, nowMs: number): string | undefined;
}

interface Cookie {
  readonly value: string;
  /** `Infinity` for a cookie of the session. */
  readonly expiresAtMs: number;
}

function readExpiry(attributes: readonly string[], nowMs: number): number {
  let expiresAtMs = Infinity;
  for (const attribute of attributes) {
    const [name = '', value = ''] = attribute.split(/=(.*)/s).map((part) => part.trim());
    // Max-Age wins over Expires, in whatever order they come (RFC 6265, 5.3).
    if (name.toLowerCase() === 'max-age') return nowMs + Number(value) * 1000;
    if (name.toLowerCase() === 'expires') expiresAtMs = Date.parse(value);
  }
  return expiresAtMs;
}

/** An empty jar. */
export function createCookieJar(): CookieJar {
  const cookies = new Map<string, Cookie>();
  const live = (nowMs: number) => [...cookies].filter(([, { expiresAtMs }]) => expiresAtMs > nowMs);
  return {
    store(setCookies, nowMs) {
      for (const line of setCookies) {
        const [pair = '', ...attributes] = line.split(';');
        const at = pair.indexOf('=');
        if (at < 1) continue;
        const name = pair.slice(0, at).trim();
        const cookie = { value: pair.slice(at + 1).trim(), expiresAtMs: readExpiry(attributes, nowMs) };
        if (cookie.expiresAtMs > nowMs) cookies.set(name, cookie);
        else cookies.delete(name);
      }
    },
    header: (nowMs) =>
      live(nowMs)
        .map(([name, { value }]) => `${name}=${value}`)
        .join('; '),
    get: (name, nowMs) => live(nowMs).find(([key]) => key === name)?.[1].value,
  };
}

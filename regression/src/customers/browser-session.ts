import type { Dispatcher } from 'undici';
import { createCookieJar } from './cookie-jar.ts';

/** An answer with its body read. */
export interface Page {
  readonly status: number;
  /** Path of the `Location` header, if there is one. */
  readonly location: string | null;
  readonly text: string;
}

/** One visitor's browser: cookies, an origin, a deadline for every request. */
export interface BrowserSession {
  get(path: string): Promise<Page>;
  /** Sends a form as the shop's pages do, with the token that belongs to it. Redirects are not followed. */
  post(path: string, fields: Readonly<Record<string, string>>): Promise<Page>;
}

export interface BrowserSessionOptions {
  readonly baseUrl: string;
  /** Connections, shared by all sessions. */
  readonly dispatcher: Dispatcher;
  /** For the whole of one request, its answer included. */
  readonly deadlineMs: number;
  /** Ends requests under way. */
  readonly signal: AbortSignal;
  readonly now: () => number;
}

/** Cookie whose value a form repeats in its field `_csrf`. */
const CSRF_COOKIE = 'csrf';

/** A fresh browser: no cookies. */
export function openBrowserSession(options: BrowserSessionOptions): BrowserSession {
  const { baseUrl, dispatcher, deadlineMs, signal, now } = options;
  const { origin } = new URL(baseUrl);
  const jar = createCookieJar();

  async function send(method: 'GET' | 'POST', path: string, body: string | null): Promise<Page> {
    const cookie = jar.header(now());
    const response = await dispatcher.request({
      origin,
      path,
      method,
      headers: {
        'user-agent': 'banyan-customers',
        accept: path.startsWith('/api/') ? 'application/json' : 'text/html',
        ...(cookie ? { cookie } : {}),
        ...(body === null ? {} : { origin, 'content-type': 'application/x-www-form-urlencoded' }),
      },
      body,
      signal: AbortSignal.any([signal, AbortSignal.timeout(deadlineMs)]),
    });
    const setCookie = response.headers['set-cookie'];
    jar.store(typeof setCookie === 'string' ? [setCookie] : (setCookie ?? []), now());
    const { location } = response.headers;
    const target = typeof location === 'string' ? new URL(location, origin) : null;
    return {
      status: response.statusCode,
      location: target && target.pathname + target.search,
      text: await response.body.text(),
    };
  }

  return {
    get: (path) => send('GET', path, null),
    post: (path, fields) => {
      const token = jar.get(CSRF_COOKIE, now()) ?? '';
      return send('POST', path, new URLSearchParams({ ...fields, _csrf: token }).toString());
    },
  };
}

import {
  createServer,
  request as ask,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type OutgoingHttpHeaders,
  type ServerResponse,
} from 'node:http';
import type { AddressInfo } from 'node:net';
import { pipeline } from 'node:stream/promises';
import { OVERRIDE_HEADER, OVERRIDE_TOKEN_HEADER } from '@banyan/contracts';
import { ASK_PATH, BADGE_CSS, BADGE_CSS_PATH, withBadge } from './badge.ts';

/** The site as a tester sees it, at an address of its own on this machine. */
export interface TesterWindow {
  readonly url: string;
  close(): Promise<void>;
}

/** The site behind the window, and what makes the proxy say who answered. */
export interface WindowedSite {
  readonly url: string;
  readonly overrideToken: string;
  /** Slices whose side can be chosen. */
  readonly slices: readonly string[];
}

const SIDE_COOKIE = 'banyan-window-side';
const ANSWER_TIMEOUT_MS = 30_000;
/** Of one connection (RFC 9110, 7.6.1), or such that they would keep a page back with the badge of another time. */
const NOT_PASSED_ON = new Set([
  ...['connection', 'keep-alive', 'proxy-connection', 'te', 'trailer', 'transfer-encoding', 'upgrade'],
  ...['if-none-match', 'if-modified-since', 'etag', 'last-modified', 'host', 'accept-encoding'],
]);

const passedOn = (headers: IncomingHttpHeaders): OutgoingHttpHeaders =>
  Object.fromEntries(Object.entries(headers).filter(([name]) => !NOT_PASSED_ON.has(name)));

function sideOf({ cookie = '' }: IncomingHttpHeaders): 'service' | 'monolith' | null {
  const side = new RegExp(`(?:^|; )${SIDE_COOKIE}=(service|monolith)(?:;|$)`).exec(cookie)?.[1];
  return side === 'service' || side === 'monolith' ? side : null;
}

/** As the site's own pages would ask it: its forms look at where they come from. */
function headersFor(incoming: IncomingMessage, site: WindowedSite): OutgoingHttpHeaders {
  const { headers } = incoming;
  const own = `http://${headers.host ?? ''}`;
  const { origin, host } = new URL(site.url);
  const side = sideOf(headers);
  return {
    ...passedOn(headers),
    host,
    'accept-encoding': 'identity',
    [OVERRIDE_TOKEN_HEADER]: site.overrideToken,
    ...(headers.origin === own ? { origin } : {}),
    ...(headers.referer?.startsWith(own) ? { referer: origin + headers.referer.slice(own.length) } : {}),
    ...(side ? { [OVERRIDE_HEADER]: site.slices.map((slice) => `${slice}=${side}`).join(',') } : {}),
  };
}

/** Remembers the side to ask, in this browser, and goes back to the page. */
function chooseSide(url: URL, outgoing: ServerResponse): void {
  const side = url.searchParams.get('side') ?? '';
  const back = url.searchParams.get('back') ?? '/';
  const cookie = ['service', 'monolith'].includes(side)
    ? `${SIDE_COOKIE}=${side}`
    : `${SIDE_COOKIE}=; Max-Age=0`;
  outgoing.writeHead(303, {
    // One slash, and no backslash, which browsers take for one: never another host.
    location: /^\/(?![/\\])/.test(back) ? back : '/',
    'set-cookie': `${cookie}; Path=/; HttpOnly; SameSite=Strict`,
  });
  outgoing.end();
}

async function answerFromSite(
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  site: WindowedSite,
): Promise<void> {
  const answered = Promise.withResolvers<IncomingMessage>();
  const request = ask(new URL(site.url), {
    path: incoming.url ?? '/',
    method: incoming.method ?? 'GET',
    headers: headersFor(incoming, site),
    timeout: ANSWER_TIMEOUT_MS,
  });
  request.on('response', answered.resolve).on('error', answered.reject);
  request.on('timeout', () => request.destroy(new Error(`no answer in ${ANSWER_TIMEOUT_MS} ms`)));
  outgoing.on('close', () => request.destroy());
  incoming.on('error', () => request.destroy()).pipe(request);
  const answer = await answered.promise;
  const headers = passedOn(answer.headers);
  const isPage = (answer.headers['content-type'] ?? '').startsWith('text/html');
  if (incoming.method !== 'GET' || !isPage || answer.headers['content-encoding']) {
    outgoing.writeHead(answer.statusCode ?? 502, headers);
    await pipeline(answer, outgoing);
    return;
  }
  const html = Buffer.concat((await answer.toArray()) as Buffer[]).toString('utf8');
  const servedBy = answer.headers['banyan-served-by']?.toString() ?? 'unknown';
  const page = withBadge(html, { servedBy, side: sideOf(incoming.headers), path: incoming.url ?? '/' });
  outgoing.writeHead(answer.statusCode ?? 502, {
    ...headers,
    'content-length': Buffer.byteLength(page),
    'cache-control': 'no-store',
  });
  outgoing.end(page);
}

async function serve(
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  site: WindowedSite | null,
): Promise<void> {
  const url = new URL(incoming.url ?? '/', 'http://window.invalid');
  if (url.pathname === BADGE_CSS_PATH) {
    outgoing.writeHead(200, { 'content-type': 'text/css' }).end(BADGE_CSS);
  } else if (url.pathname === ASK_PATH) {
    chooseSide(url, outgoing);
  } else if (site === null) {
    outgoing.writeHead(503, { 'content-type': 'text/plain' }).end('The site does not run.\n');
  } else {
    await answerFromSite(incoming, outgoing, site);
  }
}

/**
 * Opens the site a second time, on the loopback address alone: each page carries a badge that says which side answered,
 * and links that ask the other side. The site itself stays as it is, and so does whoever visits it.
 *
 * @param options.site asked at each request, since the site may not run yet, or again.
 * @param options.port default a free one.
 */
export async function openTesterWindow(options: {
  readonly site: () => WindowedSite | null;
  readonly port?: number;
}): Promise<TesterWindow> {
  const server = createServer((incoming, outgoing) => {
    Promise.resolve()
      .then(() => serve(incoming, outgoing, options.site()))
      .catch((error: unknown) => {
        const text = error instanceof Error ? error.message : String(error);
        if (outgoing.headersSent) outgoing.destroy();
        else
          outgoing.writeHead(502, { 'content-type': 'text/plain' }).end(`The site did not answer: ${text}\n`);
      });
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject).listen(options.port ?? 0, '127.0.0.1', resolve);
  });
  let closing: Promise<void> | null = null;
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () =>
      (closing ??= new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      })),
  };
}

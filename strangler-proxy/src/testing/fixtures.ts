import { generateKeyPairSync } from 'node:crypto';
import { createServer, request as httpRequest, type IncomingMessage, type RequestListener } from 'node:http';
import {
  connect,
  createServer as createNetServer,
  type AddressInfo,
  type Server,
  type Socket,
} from 'node:net';
import type {
  IdentitySource,
  PathReading,
  RoutesSnapshot,
  SliceRoutes,
  VisitorSettings,
} from '@banyan/contracts';
import { createProxy, type Proxy, type ProxyOptions } from '../create-proxy.ts';

/** Closes what a test opened, newest first, even when the test failed. */
export class Opened {
  readonly #closers: (() => Promise<unknown> | undefined)[] = [];

  add(close: () => Promise<unknown> | undefined): void {
    this.#closers.push(close);
  }

  async close(): Promise<void> {
    for (const close of this.#closers.splice(0).reverse()) await close();
  }
}

/** Polls until the condition holds. @throws Error after `timeoutMs` (default 60,000), naming what was waited for. */
export async function eventually(
  what: string,
  holds: () => boolean | Promise<boolean>,
  timeoutMs = 60_000,
): Promise<void> {
  const endMs = performance.now() + timeoutMs;
  while (!(await holds())) {
    if (performance.now() > endMs) throw new Error(`not within ${timeoutMs} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

async function listenOn(server: Server, port: number): Promise<string> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', resolve);
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

export interface Upstream {
  readonly url: string;
  /** Requests in the order in which they came. */
  readonly requests: IncomingMessage[];
  readonly close: () => Promise<void>;
}

/** An HTTP server that answers by `handler`. */
export async function startUpstream(opened: Opened, handler: RequestListener, port = 0): Promise<Upstream> {
  const requests: IncomingMessage[] = [];
  const server = createServer((request, response) => {
    requests.push(request);
    handler(request, response);
  });
  const url = await listenOn(server, port);
  const close = (): Promise<void> =>
    new Promise((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
  opened.add(close);
  return { url, requests, close };
}

/** A TCP server that speaks whatever bytes `onConnection` writes. */
export async function startRawUpstream(
  opened: Opened,
  onConnection: (socket: Socket) => void,
): Promise<{ readonly url: string; readonly sockets: Socket[] }> {
  const sockets: Socket[] = [];
  const server = createNetServer((socket) => {
    sockets.push(socket);
    socket.on('error', () => undefined); // the other end may cut it
    onConnection(socket);
  });
  const url = await listenOn(server, 0);
  opened.add(
    () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  );
  return { url, sockets };
}

/** An address where nobody listens. */
export async function freePortUrl(): Promise<string> {
  const server = createNetServer();
  const url = await listenOn(server, 0);
  await new Promise((resolve) => server.close(resolve));
  return url;
}

export const keys = generateKeyPairSync('ed25519', {
  privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  publicKeyEncoding: { type: 'spki', format: 'pem' },
});
export const PEER_TOKEN = 'peer-token-of-the-tests';
export const OVERRIDE_TOKEN = 'override-token-of-the-tests';
export const secrets = {
  peerToken: PEER_TOKEN,
  overrideToken: OVERRIDE_TOKEN,
  pinSecret: 'pin-secret-of-the-tests',
  identityPrivateKey: keys.privateKey,
};

/** A proxy in this process, with secrets of the tests. */
export async function startProxy(
  opened: Opened,
  { monolithUrl, ...options }: Partial<ProxyOptions> & { readonly monolithUrl: string },
): Promise<Proxy> {
  const proxy = await createProxy({ ...secrets, monolithUpstreams: [monolithUrl], ...options });
  opened.add(() => proxy.close());
  return proxy;
}

export const sliceOf = (serviceUrl: string, change: Partial<SliceRoutes> = {}): SliceRoutes => ({
  name: 'reviews',
  phase: 'canary',
  owner: 'monolith',
  share: 1,
  salt: 'reviews-1',
  rolledBack: false,
  monolithIsFresh: true,
  routes: [{ path: '/cart' }, { path: '/products/:slug/reviews' }],
  upstreams: [serviceUrl],
  serviceDeadlineMs: 300,
  ...change,
});

/** The cookie of a visitor who has been here before. */
export const VISITOR = 'banyan_visitor=AAAAAAAAAAAAAAAAAAAAAA';

/** As the sample shop says who is signed in. */
export const SHOP_SESSION: IdentitySource = {
  cookie: 'shop.sid',
  lookUp: '/api/session',
  id: 'customer.id',
  name: 'customer.displayName',
};

export const snapshotOf = (
  version: number,
  monolithUrl: string,
  slices: readonly SliceRoutes[],
  settings: { readonly paths?: Partial<PathReading>; readonly visitors?: Partial<VisitorSettings> } = {},
): RoutesSnapshot => ({
  version,
  issuedAtMs: Date.now(),
  monolithUpstreams: [monolithUrl],
  monolithDeadlineMs: 2_000,
  paths: { trailingSlash: 'same', ...settings.paths },
  visitors: {
    identity: [SHOP_SESSION],
    keys: ['visitor-cookie'],
    withoutKey: 'monolith',
    ...settings.visitors,
  },
  slices: [...slices],
});

/** Sends bytes on a connection of its own and gives all that comes back until it ends, or until `until` is met. */
export function exchangeBytes(
  url: string,
  bytes: string,
  until?: (text: string) => boolean,
): Promise<string> {
  const { hostname, port } = new URL(url);
  return new Promise((resolve, reject) => {
    const socket = connect(Number(port), hostname);
    let text = '';
    const end = (): void => {
      socket.destroy();
      resolve(text);
    };
    socket.on('data', (chunk: Buffer) => {
      text += chunk.toString('latin1');
      if (until?.(text)) end();
    });
    socket.on('end', end);
    socket.on('close', end);
    socket.on('error', (error: NodeJS.ErrnoException) =>
      error.code === 'ECONNRESET' ? end() : reject(error),
    );
    socket.write(bytes, 'latin1');
  });
}

export interface Answer {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  readonly rawHeaders: string[];
  readonly text: string;
  /** Set-Cookie values. */
  readonly cookies: string[];
}

/** One request through Node's client, on a connection of its own. */
export function ask(
  url: string,
  options: {
    readonly method?: string;
    readonly headers?: Record<string, string>;
    readonly body?: string;
  } = {},
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const request = httpRequest(url, {
      agent: false,
      method: options.method ?? 'GET',
      headers: options.headers ?? {},
    });
    request.on('error', reject);
    request.on('response', (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('error', reject);
      response.on('end', () => {
        const { headers, rawHeaders, statusCode = 0 } = response;
        const text = Buffer.concat(chunks).toString();
        resolve({ status: statusCode, headers, rawHeaders, text, cookies: headers['set-cookie'] ?? [] });
      });
    });
    request.end(options.body);
  });
}

/** The `name=value` part of the cookie that an answer sets, or null. */
export function cookieOf({ cookies }: Answer, name: string): string | null {
  return cookies.find((cookie) => cookie.startsWith(`${name}=`))?.split(';')[0] ?? null;
}

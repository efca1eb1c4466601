import { once } from 'node:events';
import { connect } from 'node:net';
import { afterEach, describe, expect, test } from '@jest/globals';
import { createIdentityVerifier } from '@banyan/kit';
import type { RoutesSnapshot, SliceRoutes } from '@banyan/contracts';
import type { Proxy, ProxyOptions } from '../create-proxy.ts';
import { pinCookieOf } from '../testing/pin.ts';
import {
  ask,
  eventually,
  exchangeBytes,
  freePortUrl,
  keys,
  Opened,
  OVERRIDE_TOKEN,
  sliceOf,
  snapshotOf,
  startProxy,
  startRawUpstream,
  startUpstream,
  VISITOR,
} from '../testing/fixtures.ts';
import { openChat, startWebSocketUpstream, type WebSocketUpstream } from '../testing/web-socket-upstream.ts';

const opened = new Opened();
afterEach(() => opened.close());

interface Sides {
  readonly proxy: Proxy;
  readonly monolith: WebSocketUpstream;
  readonly service: WebSocketUpstream;
  /** Routes of the one slice, changed so. */
  readonly routes: (version: number, change?: Partial<SliceRoutes>) => RoutesSnapshot;
}

async function startSides(options: Partial<ProxyOptions> = {}): Promise<Sides> {
  const monolith = await startWebSocketUpstream(opened, 'monolith');
  const service = await startWebSocketUpstream(opened, 'service');
  const proxy = await startProxy(opened, { monolithUrl: monolith.url, ...options });
  const routes = (version: number, change: Partial<SliceRoutes> = {}): RoutesSnapshot =>
    snapshotOf(version, monolith.url, [sliceOf(service.url, change)]);
  proxy.applySnapshot(routes(1));
  return { proxy, monolith, service, routes };
}

/** A known visitor's handshake as bytes. */
const handshake = (path: string): string =>
  `GET ${path} HTTP/1.1\r\nHost: shop.example\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nCookie: ${VISITOR}\r\n` +
  'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n';

const BY_OVERRIDE = { 'banyan-override': 'reviews=service', 'banyan-override-token': OVERRIDE_TOKEN };

describe('a WebSocket', () => {
  test('is taken to the side that its path is decided for, and carries messages both ways', async () => {
    const { proxy } = await startSides();
    const toService = await openChat(opened, `${proxy.url}/cart`);
    const toMonolith = await openChat(opened, `${proxy.url}/chat`);
    toService.socket.send('one');
    toMonolith.socket.send('two');
    await eventually('both are answered', () => toService.heard.length + toMonolith.heard.length === 4);
    expect(toService.heard).toEqual(['hello from service', 'service got one']);
    expect(toMonolith.heard).toEqual(['hello from monolith', 'monolith got two']);
    expect(proxy.report().slices[0]).toMatchObject({
      byReason: { cohort: 1 },
      service: { requests: 1, errors: 0 },
    });
  });

  test('heeds share, pin, rollback and override as a read does', async () => {
    const { proxy, routes } = await startSides();
    const greeting = async (headers: Record<string, string> = {}): Promise<string | undefined> =>
      (await openChat(opened, `${proxy.url}/cart`, headers)).heard[0];
    const pin = pinCookieOf(await ask(`${proxy.url}/cart`, { method: 'POST' }));
    expect(await greeting({ cookie: pin })).toBe('hello from monolith');
    proxy.applySnapshot(routes(2, { share: 0 }));
    expect(await greeting()).toBe('hello from monolith');
    expect(await greeting(BY_OVERRIDE)).toBe('hello from service');
    proxy.applySnapshot(routes(3, { rolledBack: true }));
    expect(await greeting(BY_OVERRIDE)).toBe('hello from monolith');
  });

  test('brings the headers that any request brings, the signed identity, and nothing that was forged', async () => {
    const monolith = await startUpstream(opened, (_request, response) =>
      response.end(JSON.stringify({ customer: { id: 7, displayName: 'Ada' } })),
    );
    const service = await startWebSocketUpstream(opened, 'service');
    const proxy = await startProxy(opened, { monolithUrl: monolith.url });
    proxy.applySnapshot(snapshotOf(1, monolith.url, [sliceOf(service.url)]));
    await openChat(opened, `${proxy.url}/cart?a=%2F`, {
      cookie: 'shop.sid=s',
      'banyan-identity': 'forged',
      'x-forwarded-for': '6.6.6.6',
      x_forwarded_for: '6.6.6.6',
    });
    const { headers = {}, url } = service.requests[0] ?? {};
    expect(url).toBe('/cart?a=%2F');
    expect(headers).toMatchObject({
      'x-forwarded-for': '127.0.0.1',
      upgrade: 'websocket',
      host: new URL(proxy.url).host,
    });
    expect(headers).not.toHaveProperty('x_forwarded_for');
    const verifier = await createIdentityVerifier(keys.publicKey, 'reviews');
    expect(await verifier.verify(String(headers['banyan-identity']))).toMatchObject({ sub: '7' });
  });

  test('ends at one end when it ends at the other', async () => {
    const { proxy, monolith } = await startSides();
    const left = await openChat(opened, `${proxy.url}/chat`);
    left.socket.close();
    await eventually(
      'the upstream hears of it',
      () => monolith.sockets[0]?.destroyed === true || monolith.sockets[0]?.readableEnded === true,
    );
    const dropped = await openChat(opened, `${proxy.url}/chat`);
    monolith.sockets[1]?.destroy();
    await eventually('the client hears of it', () => !dropped.isOpen());
  });

  test('of a client who leaves during the handshake is not left open at the upstream', async () => {
    const upstream = await startRawUpstream(opened, () => undefined);
    const proxy = await startProxy(opened, { monolithUrl: upstream.url });
    const client = connect(Number(new URL(proxy.url).port), '127.0.0.1');
    client.write(handshake('/chat'));
    await eventually('the upstream is asked', () => upstream.sockets.length === 1);
    client.destroy();
    await eventually('it is let go', () => {
      const [socket] = upstream.sockets;
      socket?.resume();
      return socket?.readableEnded === true || socket?.destroyed === true;
    });
    expect(proxy.report().clientErrors).toBe(0);
  });
});

describe('an upstream that takes no WebSocket', () => {
  test('is heard: its own answer goes to the client', async () => {
    const upstream = await startRawUpstream(opened, (socket) =>
      socket.on('data', () =>
        socket.write('HTTP/1.1 401 Unauthorized\r\nX-Why: no\r\nContent-Length: 2\r\n\r\nno'),
      ),
    );
    const proxy = await startProxy(opened, { monolithUrl: upstream.url });
    const text = await exchangeBytes(proxy.url, handshake('/chat'));
    expect(text).toMatch(/^HTTP\/1\.1 401 Unauthorized\r\n[^]*x-why: no\r\n[^]*no$/i);
  });

  test('or is away, or says nothing, is told as for any request', async () => {
    const away = await startProxy(opened, { monolithUrl: await freePortUrl() });
    expect(await exchangeBytes(away.url, handshake('/chat'))).toMatch(/^HTTP\/1\.1 502 /);
    const silent = await startRawUpstream(opened, () => undefined);
    const late = await startProxy(opened, { monolithUrl: silent.url, monolithDeadlineMs: 50 });
    expect(await exchangeBytes(late.url, handshake('/api/chat'))).toMatch(
      /^HTTP\/1\.1 504 [^]*"upstream-deadline"/,
    );
    const broken = await startRawUpstream(opened, (socket) => socket.once('data', () => socket.destroy()));
    const cut = await startProxy(opened, { monolithUrl: broken.url });
    expect(await exchangeBytes(cut.url, handshake('/chat'))).toMatch(/^HTTP\/1\.1 502 /);
    expect([away, late, cut].map((proxy) => proxy.report().clientErrors)).toEqual([1, 1, 1]);
  });

  test('opens its breaker, and the next ones go to the monolith', async () => {
    const monolith = await startWebSocketUpstream(opened, 'monolith');
    const proxy = await startProxy(opened, { monolithUrl: monolith.url, breakerFailures: 2 });
    proxy.applySnapshot(snapshotOf(1, monolith.url, [sliceOf(await freePortUrl())]));
    for (let i = 0; i < 2; i++) {
      expect(await exchangeBytes(proxy.url, handshake('/cart'))).toMatch(/^HTTP\/1\.1 502 /);
    }
    expect((await openChat(opened, `${proxy.url}/cart`)).heard[0]).toBe('hello from monolith');
  });
});

test('a handshake that no request may be like is refused', async () => {
  const { proxy } = await startSides();
  const refused = async (from: string, to: string): Promise<string> =>
    (await exchangeBytes(proxy.url, handshake('/chat').replace(from, to))).slice(0, 12);
  expect(await refused('shop.example', 'a@b')).toBe('HTTP/1.1 400');
  expect(await refused('Host', 'Host: b\r\nHost')).toBe('HTTP/1.1 400');
});

test('one client may open so many and no more', async () => {
  const { proxy } = await startSides({ clientMaxRequests: 2 });
  const first = await openChat(opened, `${proxy.url}/chat`);
  await openChat(opened, `${proxy.url}/cart`);
  expect(await exchangeBytes(proxy.url, handshake('/chat'))).toMatch(/^HTTP\/1\.1 429 /);
  first.socket.close();
  await eventually('there is room again', () =>
    openChat(opened, `${proxy.url}/chat`).then(
      () => true,
      () => false,
    ),
  );
});

describe('when the routes change', () => {
  test("a rollback ends the service's within the drain time, and leaves the others", async () => {
    const { proxy, routes } = await startSides({ webSocketDrainMs: 200 });
    const ours = await Promise.all([1, 2, 3].map(() => openChat(opened, `${proxy.url}/cart`)));
    const other = await openChat(opened, `${proxy.url}/chat`);
    proxy.applySnapshot(routes(2, { rolledBack: true }));
    await eventually('they are ended', () => ours.every((chat) => !chat.isOpen()));
    const back = await openChat(opened, `${proxy.url}/cart`);
    expect(back.heard).toEqual(['hello from monolith']);
    proxy.applySnapshot(routes(3, { rolledBack: true, share: 0.5 }));
    other.socket.send('still here');
    await eventually('the monolith answers', () => other.heard.length === 2);
    expect([other.isOpen(), back.isOpen()]).toEqual([true, true]);
  });

  test('one that is opened while they change is ended as well', async () => {
    const { proxy, routes, service } = await startSides({ webSocketDrainMs: 1 });
    const ended = exchangeBytes(proxy.url, handshake('/cart'));
    await eventually('the service is asked', () => service.requests.length === 1);
    proxy.applySnapshot(routes(2, { rolledBack: true }));
    expect(await ended).toMatch(/^HTTP\/1\.1 101 /);
  });

  test("the monolith's are ended when the service has become the owner", async () => {
    const { proxy, routes } = await startSides({ webSocketDrainMs: 1 });
    proxy.applySnapshot(routes(2, { share: 0 }));
    const chat = await openChat(opened, `${proxy.url}/cart`);
    proxy.applySnapshot(routes(3, { owner: 'service', phase: 'extracted' }));
    await eventually('it is ended', () => !chat.isOpen());
  });

  test('a slice that comes forward again in time keeps them', async () => {
    const { proxy, routes } = await startSides({ webSocketDrainMs: 600_000 });
    const chat = await openChat(opened, `${proxy.url}/cart`);
    proxy.applySnapshot(routes(2, { rolledBack: true }));
    proxy.applySnapshot(routes(3));
    chat.socket.send('one');
    await eventually('it is answered', () => chat.heard.length === 2);
    expect((await ask(`${proxy.adminUrl}/metrics`)).text).toContain('banyan_proxy_open_web_sockets 1');
  });
});

test('a proxy that stops ends them and waits for none', async () => {
  const { proxy } = await startSides({ drainMs: 600_000 });
  const chats = await Promise.all(['/cart', '/chat'].map((path) => openChat(opened, `${proxy.url}${path}`)));
  const closed = Promise.all(chats.map(({ socket }) => once(socket, 'close')));
  await proxy.close();
  await closed;
});

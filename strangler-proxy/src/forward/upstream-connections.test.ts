import { once } from 'node:events';
import { get, request as httpRequest, type IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { afterEach, describe, expect, test } from '@jest/globals';
import {
  ask,
  eventually,
  exchangeBytes,
  Opened,
  sliceOf,
  snapshotOf,
  startProxy,
  startRawUpstream,
  startUpstream,
  VISITOR,
} from '../testing/fixtures.ts';

const opened = new Opened();
afterEach(() => opened.close());

const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';

/** Waits until the connection that a request came by is closed. */
const closed = (request: IncomingMessage | undefined): Promise<unknown> =>
  new Promise((resolve) => request?.socket.once('close', resolve));

describe('no request keeps a place at an upstream', () => {
  test('300 that Node will not send on are refused, one after another, and the next is served', async () => {
    const upstream = await startUpstream(opened, (_request, response) => response.end('ok'));
    const proxy = await startProxy(opened, { monolithUrl: upstream.url, upstreamMaxOutstanding: 10 });
    for (let i = 0; i < 300; i++) {
      const text = await exchangeBytes(
        proxy.url,
        'GET /x HTTP/1.1\r\nHost: a\r\nHost: b\r\nConnection: close\r\n\r\n',
      );
      expect(text.slice(0, 12)).toBe('HTTP/1.1 400');
    }
    expect(upstream.requests).toHaveLength(0);
    expect((await ask(`${proxy.url}/x`)).text).toBe('ok');
  });

  test('whichever way it ends: answered, broken, too late, left, reset, not HTTP', async () => {
    const upstream = await startRawUpstream(opened, (socket) =>
      socket.on('data', (chunk: Buffer) => {
        const path = chunk.toString().split(' ')[1];
        if (path === '/ok') socket.write(OK);
        if (path === '/broken') socket.end('HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf');
        if (path === '/reset') socket.resetAndDestroy();
        if (path === '/no-http') socket.write('hello\r\n\r\n');
        if (path === '/100s') socket.write('HTTP/1.1 100 Continue\r\n\r\n');
      }),
    );
    const proxy = await startProxy(opened, {
      monolithUrl: upstream.url,
      monolithDeadlineMs: 50,
      upstreamMaxOutstanding: 1,
    });
    for (const path of ['ok', 'broken', 'reset', 'no-http', 'late', '100s']) {
      for (const method of ['GET', 'POST']) {
        const body = method === 'POST' ? { body: 'x' } : {};
        await ask(`${proxy.url}/${path}`, { method, ...body }).catch(() => undefined); // broken ones reject
      }
      const left = get(`${proxy.url}/${path}`, { agent: false });
      left.on('error', () => undefined); // it is this test that destroys it
      await once(left, 'socket');
      left.destroy();
      await eventually(
        `a place is free after /${path}`,
        async () => (await ask(`${proxy.url}/ok`)).status === 200,
      );
    }
  });
});

describe('held requests', () => {
  test('300 event streams and 300 slow uploads leave others served', async () => {
    const upstream = await startUpstream(opened, (request, response) => {
      if (request.url === '/events')
        response.writeHead(200, { 'content-type': 'text/event-stream' }).flushHeaders();
      else if (request.method === 'GET') response.end('ok');
    });
    const proxy = await startProxy(opened, { monolithUrl: upstream.url });
    const held = Array.from({ length: 600 }, (_, i) => {
      const request = httpRequest(`${proxy.url}/${i % 2 ? 'events' : 'upload'}`, {
        agent: false,
        method: i % 2 ? 'GET' : 'POST',
      });
      request.on('error', () => undefined); // it is this test that destroys it
      if (i % 2) request.end();
      else request.write('x');
      return request;
    });
    opened.add(() => {
      for (const request of held) request.destroy();
      return undefined;
    });
    await eventually('all are held', () => upstream.requests.length === 600, 60_000);
    for (let i = 0; i < 20; i++)
      expect(await ask(`${proxy.url}/x`)).toMatchObject({ status: 200, text: 'ok' });
  });

  test('above the limit get 503 with Retry-After at once, and count against nobody', async () => {
    const service = await startUpstream(opened, (_request, response) =>
      response.writeHead(200).flushHeaders(),
    );
    const monolith = await startUpstream(opened, (_request, response) =>
      response.writeHead(200).flushHeaders(),
    );
    const proxy = await startProxy(opened, {
      monolithUrl: monolith.url,
      upstreamMaxOutstanding: 3,
      breakerFailures: 1,
    });
    proxy.applySnapshot(snapshotOf(1, monolith.url, [sliceOf(service.url, { monolithIsFresh: false })]));
    const hold = async (path: string): Promise<void> => {
      const request = get(`${proxy.url}${path}`, { agent: false, headers: { cookie: VISITOR } });
      request.on('error', () => undefined); // ended with the proxy
      await once(request, 'response');
      opened.add(() => {
        request.destroy();
        return undefined;
      });
    };
    for (let i = 0; i < 3; i++) {
      await hold('/cart');
      await hold('/x');
    }
    for (const path of ['/cart', '/x']) {
      const answer = await ask(`${proxy.url}${path}`, {
        headers: { accept: 'application/json', cookie: VISITOR },
      });
      expect(answer).toMatchObject({ status: 503, headers: { 'retry-after': '1' } });
      expect(JSON.parse(answer.text)).toMatchObject({ error: { code: 'upstream-busy' } });
    }
    const [line] = proxy.report().slices;
    expect(line).toMatchObject({ breaker: 'closed', service: { requests: 0, errors: 0 } });
    expect((await ask(`${proxy.adminUrl}/metrics`)).text).toContain('banyan_proxy_shed_requests_total 2');
  });
});

describe('a client who leaves before the answer', () => {
  async function leaveAfter(waitMs: number, options: { path: string; giveUpAfterMs: number }) {
    const service = await startUpstream(opened, () => undefined); // never answers
    const monolith = await startUpstream(opened, () => undefined);
    const proxy = await startProxy(opened, {
      monolithUrl: monolith.url,
      giveUpAfterMs: options.giveUpAfterMs,
      breakerFailures: 1,
    });
    proxy.applySnapshot(snapshotOf(1, monolith.url, [sliceOf(service.url, { serviceDeadlineMs: 60_000 })]));
    const request = get(`${proxy.url}${options.path}`, { agent: false, headers: { cookie: VISITOR } });
    request.on('error', () => undefined); // it is this test that destroys it
    const asked = options.path === '/cart' ? service : monolith;
    await eventually('the request arrives', () => asked.requests.length === 1);
    await new Promise((resolve) => setTimeout(resolve, waitMs)); // the client's own patience
    request.destroy();
    await closed(asked.requests[0]);
    return proxy;
  }

  test('after a long silence counts against the upstream, and opens the breaker', async () => {
    const proxy = await leaveAfter(60, { path: '/cart', giveUpAfterMs: 50 });
    await eventually('it is counted', () => proxy.report().slices[0]?.service.errors === 1);
    expect(proxy.report()).toMatchObject({ clientErrors: 1, slices: [{ breaker: 'open' }] });
  });

  test('of a hung monolith counts as a client that was failed, slice or none', async () => {
    const proxy = await leaveAfter(60, { path: '/x', giveUpAfterMs: 50 });
    await eventually('it is counted', () => proxy.report().clientErrors === 1);
  });

  test('soon, has just left', async () => {
    const proxy = await leaveAfter(0, { path: '/cart', giveUpAfterMs: 60_000 });
    await eventually('it is counted', () => proxy.report().slices[0]?.service.requests === 1);
    expect(proxy.report()).toMatchObject({
      clientErrors: 0,
      slices: [{ breaker: 'closed', service: { errors: 0 } }],
    });
  });

  test('in the middle of his own upload has just left, however long it took', async () => {
    const monolith = await startUpstream(opened, (request) => request.resume());
    const proxy = await startProxy(opened, { monolithUrl: monolith.url, giveUpAfterMs: 1 });
    const request = httpRequest(`${proxy.url}/x`, { agent: false, method: 'POST' });
    request.on('error', () => undefined); // it is this test that destroys it
    request.write('half');
    await eventually('the request arrives', () => monolith.requests.length === 1);
    await new Promise((resolve) => setTimeout(resolve, 30)); // more than the patience that counts
    request.destroy();
    await closed(monolith.requests[0]);
    expect(proxy.report().clientErrors).toBe(0);
  });
});

describe('a kept connection that the upstream has closed', () => {
  /** Answers the first request of each connection; does `then` at the second. */
  async function answeringOnce(then: (socket: Socket) => void) {
    const heads: string[] = [];
    const upstream = await startRawUpstream(opened, (socket) => {
      let count = 0;
      socket.on('data', (chunk: Buffer) => {
        const text = chunk.toString();
        if (/^[A-Z]+ \//.test(text)) {
          heads.push(text.split('\r\n')[0] ?? '');
          count += 1;
          if (count === 2) then(socket);
        }
        if (count === 1 && (text.startsWith('GET') || text.endsWith('body'))) socket.write(OK);
      });
    });
    return { ...upstream, heads };
  }

  test.each(['GET', 'HEAD', 'DELETE'])(
    'at the moment of use: %s is asked again on a new one',
    async (method) => {
      const upstream = await answeringOnce((socket) => socket.destroy());
      const proxy = await startProxy(opened, { monolithUrl: upstream.url });
      await ask(`${proxy.url}/x`);
      const answer = ask(`${proxy.url}/x`, { method });
      if (method === 'GET') expect(await answer).toMatchObject({ status: 200 });
      await eventually('it is asked again', () => upstream.heads.length === 3);
      expect(upstream.sockets).toHaveLength(2);
      upstream.sockets[1]?.end(); // the other methods are not answered here
      await answer;
    },
  );

  test('POST is not asked again once its head is out: it may have been carried out', async () => {
    const upstream = await answeringOnce((socket) => socket.destroy());
    const proxy = await startProxy(opened, { monolithUrl: upstream.url });
    await ask(`${proxy.url}/x`);
    expect((await ask(`${proxy.url}/x`, { method: 'POST', body: 'body' })).status).toBe(502);
    expect(upstream.heads).toHaveLength(2);
  });

  test('a POST goes to a new one, once it is known how long the upstream keeps them', async () => {
    const upstream = await startRawUpstream(opened, (socket) => {
      socket.on('data', (chunk: Buffer) => {
        if (/body$/.test(chunk.toString()) || chunk.toString().startsWith('GET')) {
          socket.write(OK);
          setTimeout(() => socket.end(), 1_000); // its idle time-out, of which no header tells
        }
      });
    });
    const proxy = await startProxy(opened, { monolithUrl: upstream.url });
    await ask(`${proxy.url}/x`);
    await once(upstream.sockets[0] as Socket, 'close'); // learned
    await ask(`${proxy.url}/x`);
    await new Promise((resolve) => setTimeout(resolve, 700)); // idle for longer than half of the time-out
    const before = upstream.sockets.length;
    expect((await ask(`${proxy.url}/x`, { method: 'POST', body: 'body' })).status).toBe(200);
    expect(upstream.sockets).toHaveLength(before + 1);
    expect((await ask(`${proxy.url}/x`, { method: 'POST', body: 'body' })).status).toBe(200);
    expect(upstream.sockets).toHaveLength(before + 1); // a fresh one is used again
  });

  test('is let go before the time that its last answer named', async () => {
    const upstream = await startRawUpstream(opened, (socket) =>
      socket.on('data', () =>
        socket.write('HTTP/1.1 200 OK\r\nKeep-Alive: max=9, timeout=1\r\nContent-Length: 2\r\n\r\nok'),
      ),
    );
    const proxy = await startProxy(opened, { monolithUrl: upstream.url, upstreamKeepAliveMs: 60_000 });
    await ask(`${proxy.url}/x`);
    await once(upstream.sockets[0] as Socket, 'end');
    expect((await ask(`${proxy.url}/x`)).status).toBe(200);
    expect(upstream.sockets).toHaveLength(2);
  });
});

test('of several idle connections the freshest is used first', async () => {
  const used: number[] = [];
  const waiting: (() => void)[] = [];
  const upstream = await startUpstream(opened, (request, response) => {
    used.push(request.socket.remotePort ?? 0);
    waiting.push(() => response.end('ok'));
  });
  const proxy = await startProxy(opened, { monolithUrl: upstream.url });
  const answers = [1, 2, 3].map(() => ask(`${proxy.url}/x`));
  await eventually('three are under way', () => waiting.length === 3);
  for (const finish of waiting.splice(0)) {
    finish();
    await Promise.race(answers.splice(0, 1));
  }
  const last = used[2];
  for (let i = 0; i < 3; i++) {
    const answer = ask(`${proxy.url}/x`);
    await eventually('it arrives', () => waiting.length === 1);
    waiting.pop()?.();
    await answer;
    expect(used.at(-1)).toBe(last);
  }
});

test('an upload goes on while its answer comes', async () => {
  const upstream = await startUpstream(opened, (request, response) => {
    request.on('data', (chunk: Buffer) => response.write(chunk));
    request.on('end', () => response.end());
  });
  const proxy = await startProxy(opened, { monolithUrl: upstream.url });
  const request = httpRequest(`${proxy.url}/x`, { agent: false, method: 'POST' });
  request.write('one');
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  const chunks = response[Symbol.asyncIterator]();
  expect(String((await chunks.next()).value)).toBe('one');
  request.end('two');
  expect(String((await chunks.next()).value)).toBe('two');
  expect((await chunks.next()).done).toBe(true);
});

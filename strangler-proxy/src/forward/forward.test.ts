import { once } from 'node:events';
import { get, request as httpRequest } from 'node:http';
import { connect } from 'node:net';
import { afterEach, describe, expect, test } from '@jest/globals';
import {
  ask,
  eventually,
  exchangeBytes,
  freePortUrl,
  Opened,
  startProxy,
  startRawUpstream,
  startUpstream,
} from '../testing/fixtures.ts';

const opened = new Opened();
afterEach(() => opened.close());

/** A raw upstream that answers each request head with these bytes. */
const answering = (bytes: string) =>
  startRawUpstream(opened, (socket) => socket.on('data', () => socket.write(bytes, 'latin1')));

describe('headers of a request', () => {
  test('lose what belongs to one connection, also what Connection names', async () => {
    const upstream = await startUpstream(opened, (_request, response) => response.end('ok'));
    const proxy = await startProxy(opened, { monolithUrl: upstream.url });
    await exchangeBytes(
      proxy.url,
      'GET /x HTTP/1.1\r\nHost: shop.example\r\nConnection: close, X-Secret-Hop\r\nX-Secret-Hop: 1\r\nKeep-Alive: 9\r\n' +
        'TE: trailers\r\nProxy-Authorization: x\r\nX-Kept: yes\r\nX-Kept: twice\r\n\r\n',
    );
    const headers = upstream.requests[0]?.headers ?? {};
    expect(headers['x-kept']).toBe('yes, twice');
    expect(headers.host).toBe('shop.example');
    for (const name of ['x-secret-hop', 'keep-alive', 'proxy-authorization'])
      expect(headers).not.toHaveProperty(name);
    // Not the client's own, but asked for again, as trailers are passed on.
    expect(headers).toMatchObject({ te: 'trailers', connection: 'keep-alive, te' });
    expect(headers.via).toMatch(/^1\.1 banyan-proxy-1-/);
  });

  test('that a client forged are dropped or rebuilt', async () => {
    const upstream = await startUpstream(opened, (_request, response) => response.end('ok'));
    const proxy = await startProxy(opened, { monolithUrl: upstream.url });
    await ask(`${proxy.url}/x`, {
      headers: {
        host: 'shop.example',
        'banyan-identity': 'forged',
        'banyan-override': 'reviews=service',
        'banyan-override-token': 'guess',
        'x-forwarded-for': '6.6.6.6',
        'x-forwarded-host': 'evil.example',
        'x-forwarded-proto': 'https',
        'x-forwarded-prefix': '/evil',
        forwarded: 'for=6.6.6.6',
        'x-real-ip': '6.6.6.6',
      },
    });
    const headers = upstream.requests[0]?.headers ?? {};
    expect(headers).toMatchObject({
      'x-forwarded-for': '127.0.0.1',
      'x-forwarded-host': 'shop.example',
      'x-forwarded-proto': 'http',
    });
    for (const name of [
      'banyan-identity',
      'banyan-override',
      'banyan-override-token',
      'forwarded',
      'x-real-ip',
    ]) {
      expect(headers).not.toHaveProperty(name);
    }
    expect(headers).not.toHaveProperty('x-forwarded-prefix');
  });

  test('that are ours do not pass under other names either, nor with an underscore for a dash', async () => {
    const upstream = await startUpstream(opened, (_request, response) => response.end('ok'));
    const proxy = await startProxy(opened, { monolithUrl: upstream.url });
    const forged = [
      ...[
        'Banyan-Anything',
        'Banyan_Identity',
        'banyan_override-token',
        'X_Forwarded_For',
        'X-Forwarded_Host',
      ],
      ...['x_real_ip', 'Transfer_Encoding', 'keep_alive', 'Proxy_Authorization'],
    ];
    const lines = forged.map((name) => `${name}: forged\r\n`).join('');
    await exchangeBytes(
      proxy.url,
      `GET /x HTTP/1.1\r\nHost: a\r\n${lines}X_Own_Header: kept\r\nConnection: close\r\n\r\n`,
    );
    const { rawHeaders = [], headers } = upstream.requests[0] ?? {};
    expect(rawHeaders).not.toContain('forged');
    expect(headers).toMatchObject({ x_own_header: 'kept', 'x-forwarded-for': '127.0.0.1' });
  });

  test('of a trusted proxy in front are believed', async () => {
    const upstream = await startUpstream(opened, (_request, response) => response.end('ok'));
    const proxy = await startProxy(opened, { monolithUrl: upstream.url, trustedProxies: ['127.0.0.0/8'] });
    await ask(`${proxy.url}/x`, { headers: { 'x-forwarded-for': '10.1.2.3', 'x-forwarded-proto': 'https' } });
    expect(upstream.requests[0]?.headers).toMatchObject({
      'x-forwarded-for': '10.1.2.3, 127.0.0.1',
      'x-forwarded-proto': 'https',
    });
  });

  test('cannot take the framing away by naming it in Connection', async () => {
    const seen: string[] = [];
    const upstream = await startUpstream(opened, (request, response) => {
      request.on('data', (chunk: Buffer) => seen.push(chunk.toString()));
      request.on('end', () => response.end('ok'));
    });
    const proxy = await startProxy(opened, { monolithUrl: upstream.url });
    const answer = await exchangeBytes(
      proxy.url,
      'POST /x HTTP/1.1\r\nHost: a\r\nConnection: close, content-length, host\r\nContent-Length: 5\r\n\r\nhello',
    );
    expect(answer).toContain('200 OK');
    expect(seen.join('')).toBe('hello');
    expect(upstream.requests[0]?.headers).toMatchObject({ 'content-length': '5', host: 'a' });
  });
});

describe('an answer', () => {
  test('keeps duplicate headers, order and status text, and loses what belongs to one connection', async () => {
    const upstream = await answering(
      'HTTP/1.1 299 Quite Fine\r\nSet-Cookie: a=1\r\nX-B: b\r\nSet-Cookie: c=2; Path=/\r\nConnection: keep-alive, X-Hop\r\n' +
        'X-Hop: 1\r\nBanyan-Served-By: forged\r\nContent-Length: 2\r\n\r\nok',
    );
    const proxy = await startProxy(opened, { monolithUrl: upstream.url });
    const text = await exchangeBytes(proxy.url, 'GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
    expect(text).toMatch(
      /^HTTP\/1\.1 299 Quite Fine\r\nSet-Cookie: a=1\r\nX-B: b\r\nSet-Cookie: c=2; Path=\/\r\n/,
    );
    expect(text).not.toMatch(/x-hop|banyan-served-by/i);
    expect(text.endsWith('\r\n\r\nok')).toBe(true);
  });

  test.each([
    ['HEAD', 'HTTP/1.1 200 OK\r\nContent-Length: 1234\r\n\r\n', '200'],
    ['GET', 'HTTP/1.1 204 No Content\r\n\r\n', '204'],
    ['GET', 'HTTP/1.1 304 Not Modified\r\nETag: "x"\r\n\r\n', '304'],
  ])('to %s without a body leaves the connection usable (%#)', async (method, bytes, status) => {
    const upstream = await answering(bytes);
    const proxy = await startProxy(opened, { monolithUrl: upstream.url });
    const one = `${method} / HTTP/1.1\r\nHost: a\r\n\r\n`;
    const last = `${method} / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`;
    const text = await exchangeBytes(proxy.url, one + last);
    expect(text.match(/HTTP\/1\.1 \d+/g)).toEqual([`HTTP/1.1 ${status}`, `HTTP/1.1 ${status}`]);
    if (method === 'HEAD') expect(text).toMatch(/content-length: 1234/i);
  });

  test('reaches the client before it ends, headers alone too', async () => {
    let send: (text: string) => void = () => undefined;
    let end: () => void = () => undefined;
    const upstream = await startUpstream(opened, (_request, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' }).flushHeaders();
      send = (text) => response.write(text);
      end = () => response.end();
    });
    const proxy = await startProxy(opened, { monolithUrl: upstream.url });
    const request = get(`${proxy.url}/events`, { agent: false });
    const [response] = (await once(request, 'response')) as [AsyncIterable<Buffer>];
    const chunks = response[Symbol.asyncIterator]();
    for (const text of ['one', 'two']) {
      send(text);
      expect(((await chunks.next()).value as Buffer).toString()).toBe(text);
    }
    end();
    expect((await chunks.next()).done).toBe(true);
  });

  test('waits for a slow client instead of filling the memory', async () => {
    let written = 0;
    const upstream = await startUpstream(opened, (_request, response) => {
      const chunk = Buffer.alloc(256 * 1024);
      const write = (): void => {
        while (written < 64 * 1024 * 1024) {
          written += chunk.length;
          if (!response.write(chunk)) {
            response.once('drain', write);
            return;
          }
        }
        response.end();
      };
      write();
    });
    const proxy = await startProxy(opened, { monolithUrl: upstream.url });
    const socket = connect(Number(new URL(proxy.url).port), '127.0.0.1');
    socket.write('GET /big HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
    socket.pause();
    let last = -1;
    await eventually('the upstream stops writing', async () => {
      const before = last;
      last = written;
      await new Promise((resolve) => setTimeout(resolve, 100));
      return written > 0 && written === before;
    });
    expect(written).toBeLessThan(48 * 1024 * 1024);
    let received = 0;
    socket.on('data', (chunk: Buffer) => (received += chunk.length)).resume();
    await once(socket, 'close');
    expect(received).toBeGreaterThan(64 * 1024 * 1024);
  });

  test('that breaks off cuts the client off too, so that he cannot take it for whole', async () => {
    const upstream = await startRawUpstream(opened, (socket) =>
      socket.once('data', () => {
        socket.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n');
        setImmediate(() => socket.destroy());
      }),
    );
    const proxy = await startProxy(opened, { monolithUrl: upstream.url });
    await expect(ask(`${proxy.url}/x`)).rejects.toMatchObject({ code: 'ECONNRESET' });
    expect(proxy.report().clientErrors).toBe(1);
  });
});

describe('a request body', () => {
  test('streams up as it comes, in either framing', async () => {
    const received: string[] = [];
    const upstream = await startUpstream(opened, (request, response) => {
      request.on('data', (chunk: Buffer) => received.push(chunk.toString()));
      request.on('end', () => response.end(received.join('')));
    });
    const proxy = await startProxy(opened, { monolithUrl: upstream.url });
    const request = httpRequest(`${proxy.url}/x`, { agent: false, method: 'POST' });
    request.write('one');
    await eventually('the first part arrives before the second is sent', () => received.join('') === 'one');
    request.end('two');
    const [response] = (await once(request, 'response')) as [AsyncIterable<Buffer>];
    for await (const chunk of response) expect(chunk.toString()).toBe('onetwo');
    expect(upstream.requests[0]?.headers['transfer-encoding']).toBe('chunked');
  });

  test('may be answered before it has ended, and the connection goes on', async () => {
    const upstream = await startUpstream(opened, (request, response) => {
      if (request.method === 'POST') response.writeHead(413).end('too much');
      else response.end('next');
    });
    const proxy = await startProxy(opened, { monolithUrl: upstream.url });
    const body = 'x'.repeat(3_000_000);
    const text = await exchangeBytes(
      proxy.url,
      `POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: ${body.length}\r\n\r\n${body}` +
        'GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n',
    );
    expect(text.match(/HTTP\/1\.1 \d+/g)).toEqual(['HTTP/1.1 413', 'HTTP/1.1 200']);
  });

  test('ends at the upstream when the client breaks it off', async () => {
    let isAborted = false;
    const upstream = await startUpstream(opened, (request) => {
      request.on('data', () => undefined);
      request.on('error', () => (isAborted = true));
    });
    const proxy = await startProxy(opened, { monolithUrl: upstream.url });
    const request = httpRequest(`${proxy.url}/x`, { agent: false, method: 'POST' });
    request.on('error', () => undefined); // it is this test that destroys it
    request.write('half');
    await eventually('the request arrives', () => upstream.requests.length === 1);
    request.destroy();
    await eventually('the upstream hears of it', () => isAborted);
    expect(proxy.report().clientErrors).toBe(0);
  });
});

test('a client who goes away ends the exchange with the upstream', async () => {
  let isGone = false;
  const upstream = await startUpstream(opened, (_request, response) => {
    response.on('close', () => (isGone = true));
  });
  const proxy = await startProxy(opened, { monolithUrl: upstream.url });
  const request = get(`${proxy.url}/slow`, { agent: false });
  request.on('error', () => undefined); // it is this test that destroys it
  await eventually('the request arrives', () => upstream.requests.length === 1);
  request.destroy();
  await eventually('the upstream hears of it', () => isGone);
});

describe('without an answer the client is told', () => {
  test('502 when nobody listens, as JSON where that is wanted', async () => {
    const proxy = await startProxy(opened, { monolithUrl: await freePortUrl() });
    const page = await ask(`${proxy.url}/x`, { headers: { accept: 'text/html' } });
    expect([page.status, page.headers['content-type']]).toEqual([502, 'text/html; charset=utf-8']);
    const json = await ask(`${proxy.url}/api/x`);
    expect(json.status).toBe(502);
    expect(JSON.parse(json.text)).toMatchObject({ error: { code: 'upstream-unreachable' } });
    expect(proxy.report().clientErrors).toBe(2);
  });

  test('504 after the deadline, and the upstream is let go', async () => {
    let isGone = false;
    const upstream = await startUpstream(opened, (_request, response) => {
      response.on('close', () => (isGone = true));
    });
    const proxy = await startProxy(opened, { monolithUrl: upstream.url, monolithDeadlineMs: 50 });
    expect((await ask(`${proxy.url}/x`)).status).toBe(504);
    await eventually('the upstream hears of it', () => isGone);
  });

  test('502 when the answer is no HTTP, or cannot be passed on', async () => {
    for (const bytes of [
      'SSH-2.0-x\r\n',
      'HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nx',
    ]) {
      const upstream = await answering(bytes);
      const proxy = await startProxy(opened, { monolithUrl: upstream.url });
      expect((await ask(`${proxy.url}/x`)).status).toBe(502);
    }
  });

  test('502 when a write is cut off, which is never sent twice; a read is asked again', async () => {
    const upstream = await startRawUpstream(opened, (socket) => socket.once('data', () => socket.destroy()));
    const proxy = await startProxy(opened, { monolithUrl: upstream.url });
    expect((await ask(`${proxy.url}/x`, { method: 'POST', body: 'x' })).status).toBe(502);
    expect(upstream.sockets).toHaveLength(1);
    expect((await ask(`${proxy.url}/x`, { method: 'DELETE' })).status).toBe(502);
    expect(upstream.sockets).toHaveLength(2);
    expect((await ask(`${proxy.url}/x`)).status).toBe(502);
    expect(upstream.sockets).toHaveLength(4);
  });
});

describe('a request is refused', () => {
  test.each([
    ['no path', 'OPTIONS * HTTP/1.1\r\nHost: a', '400'],
    ['an address of another kind', 'GET ftp://a/b HTTP/1.1\r\nHost: a', '400'],
    ['two hosts', 'GET /x HTTP/1.1\r\nHost: a\r\nHost: b', '400'],
    ['no host', 'GET /x HTTP/1.1', '400'],
    ['two framings', 'POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: chunked', '400'],
    ['TRACE', 'TRACE /x HTTP/1.1\r\nHost: a', '405'],
    ['HTTP/2.0', 'GET /x HTTP/2.0\r\nHost: a', '400'],
    ['HTTP/0.9', 'GET /x HTTP/0.9\r\nHost: a', '400'],
    ['HTTP/0.9 without a version', 'GET /x', '400'],
    ...['', 'a b', 'a@b', 'a/b', 'a,b', 'http://a', 'a?b', 'a\\b', 'a#b', 'a\tb', '<a>'].map(
      (host) => [`the Host "${host}"`, `GET /x HTTP/1.1\r\nHost: ${host}`, '400'] as const,
    ),
  ])('for %s', async (_case, head, status) => {
    const upstream = await startUpstream(opened, (_request, response) => response.end('reached'));
    const proxy = await startProxy(opened, { monolithUrl: upstream.url });
    const text = await exchangeBytes(proxy.url, `${head}\r\n\r\n`, (sofar) => sofar.includes('\r\n\r\n'));
    expect(text.slice(0, 12)).toBe(`HTTP/1.1 ${status}`);
    expect(upstream.requests).toHaveLength(0);
  });

  test.each([
    'shop.example',
    'shop.example:8080',
    '[::1]:8080',
    'under_score',
    '127.0.0.1',
    'xn--caf-dma.example',
  ])('but not for the Host %s', async (host) => {
    const upstream = await startUpstream(opened, (request, response) => response.end(request.headers.host));
    const proxy = await startProxy(opened, { monolithUrl: upstream.url });
    expect((await ask(`${proxy.url}/x`, { headers: { host } })).text).toBe(host);
  });

  test('when it comes back to the proxy that sent it', async () => {
    const port = Number(new URL(await freePortUrl()).port);
    const proxy = await startProxy(opened, { monolithUrl: `http://127.0.0.1:${port}`, port });
    expect((await ask(`${proxy.url}/x`)).status).toBe(508);
  });
});

test.each([
  ['h2c', 'Connection: upgrade, close\r\nUpgrade: h2c'],
  ['another protocol', 'Connection: upgrade, close\r\nUpgrade: foo/2'],
  ['WebSocket without Connection', 'Connection: close\r\nUpgrade: websocket'],
])('an offer of %s is passed over, and does not go on', async (_what, lines) => {
  const upstream = await startUpstream(opened, (_request, response) => response.end('served'));
  const proxy = await startProxy(opened, { monolithUrl: upstream.url });
  const text = await exchangeBytes(proxy.url, `GET /x HTTP/1.1\r\nHost: a\r\n${lines}\r\n\r\n`);
  expect(text).toMatch(/^HTTP\/1\.1 200 OK[^]*served/);
  expect(upstream.requests[0]?.headers).not.toHaveProperty('upgrade');
});

test('an address of IPv6 is reported as a URL that can be asked, and its clients are named as they are', async () => {
  const upstream = await startUpstream(opened, (request, response) =>
    response.end(request.headers['x-forwarded-for']),
  );
  const proxy = await startProxy(opened, { monolithUrl: upstream.url, host: '::', adminHost: '::1' });
  const { publicUrl, adminUrl } = proxy.report();
  expect(publicUrl).toMatch(/^http:\/\/\[::\]:\d+$/);
  expect((await ask(`${adminUrl}/healthz`)).status).toBe(200);
  expect((await ask(`http://[::1]:${new URL(publicUrl).port}/x`)).text).toBe('::1');
  expect((await ask(`http://127.0.0.1:${new URL(publicUrl).port}/x`)).text).toBe('127.0.0.1');
});

test('the admin listener answers whatever target it is sent', async () => {
  const proxy = await startProxy(opened, { monolithUrl: await freePortUrl() });
  for (const target of [
    '//',
    '//x',
    '///?',
    '/explain?path=//',
    '*',
    'http://',
    '/%',
    '/healthz?%',
    '/__proto__',
  ]) {
    const text = await exchangeBytes(
      proxy.adminUrl,
      `GET ${target} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`,
    );
    expect([target, text.slice(0, 10)]).toEqual([target, expect.stringMatching(/^HTTP\/1\.1 [24]/)]);
  }
});

test('an offer of h2c is passed over, and the bytes of the path go on as they came', async () => {
  const upstream = await startUpstream(opened, (request, response) => response.end(request.url));
  const proxy = await startProxy(opened, { monolithUrl: upstream.url });
  const answer = await ask(`${proxy.url}/c%61rt/?q=a%2Fb&x=//`, {
    headers: { connection: 'upgrade', upgrade: 'h2c' },
  });
  expect([answer.status, answer.text]).toEqual([200, '/c%61rt/?q=a%2Fb&x=//']);
});

test('closing lets the request in flight end', async () => {
  let finish: () => void = () => undefined;
  const upstream = await startUpstream(opened, (_request, response) => {
    finish = () => response.end('finished');
  });
  const proxy = await startProxy(opened, { monolithUrl: upstream.url });
  const answer = ask(`${proxy.url}/x`);
  await eventually('the request arrives', () => upstream.requests.length === 1);
  const closed = proxy.close();
  await eventually('no new connection is taken', () =>
    ask(`${proxy.url}/y`).then(
      () => false,
      () => true,
    ),
  );
  expect((await ask(`${proxy.adminUrl}/readyz`)).status).toBe(503);
  finish();
  expect((await answer).text).toBe('finished');
  await closed;
});

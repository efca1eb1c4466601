import { once } from 'node:events';
import { request as httpRequest, type ClientRequest, type IncomingMessage } from 'node:http';
import { connect } from 'node:net';
import { afterEach, describe, expect, test } from '@jest/globals';
import {
  ask,
  exchangeBytes,
  Opened,
  startProxy,
  startRawUpstream,
  startUpstream,
} from '../testing/fixtures.ts';

const opened = new Opened();
afterEach(() => opened.close());

const GET = 'GET /x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n';
const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';

/** A proxy before an upstream that answers each head with these bytes. */
async function proxyBefore(bytes: string): Promise<{ url: string; sockets: readonly unknown[] }> {
  const upstream = await startRawUpstream(opened, (socket) =>
    socket.on('data', () => socket.write(bytes, 'latin1')),
  );
  const proxy = await startProxy(opened, { monolithUrl: upstream.url });
  return { url: proxy.url, sockets: upstream.sockets };
}

async function answerTo(request: ClientRequest): Promise<IncomingMessage & { text: string }> {
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  let text = '';
  for await (const chunk of response) text += String(chunk);
  return Object.assign(response, { text });
}

describe('interim answers', () => {
  test.each(['GET', 'POST'])(
    'a 100 that nobody asked for ends here: %s is answered, and ran once',
    async (method) => {
      const heads: string[] = [];
      const upstream = await startRawUpstream(opened, (socket) =>
        socket.on('data', (chunk: Buffer) => {
          if (/^[A-Z]+ \//.test(chunk.toString())) heads.push(chunk.toString());
          if (!chunk.toString().endsWith('x') && method === 'POST') return;
          socket.write(`HTTP/1.1 100 Continue\r\n\r\n${OK}`);
        }),
      );
      const proxy = await startProxy(opened, { monolithUrl: upstream.url });
      const body = method === 'POST' ? { body: 'x' } : {};
      for (let i = 0; i < 2; i++) {
        expect(await ask(`${proxy.url}/x`, { method, ...body })).toMatchObject({ status: 200, text: 'ok' });
      }
      expect(heads).toHaveLength(2);
      expect(upstream.sockets).toHaveLength(1);
      if (method === 'GET') expect(await exchangeBytes(proxy.url, GET)).not.toContain('100 Continue');
    },
  );

  test('103 Early Hints reach the client with their links, before the answer; not one of HTTP/1.0', async () => {
    const { url } = await proxyBefore(
      `HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\nConnection: x-hop\r\nX-Hop: 1\r\n\r\n${OK}`,
    );
    const text = await exchangeBytes(url, GET);
    expect(text).toMatch(/^HTTP\/1\.1 103 Early Hints\r\nLink: <\/a\.css>; rel=preload\r\n/);
    expect(text).not.toContain('X-Hop');
    expect(text).toMatch(/\r\n\r\nHTTP\/1\.1 200 OK\r\n/);
    expect(await exchangeBytes(url, 'GET /x HTTP/1.0\r\nHost: a\r\n\r\n')).toMatch(/^HTTP\/1\.1 200 OK/);
  });

  test('Expect: 100-continue goes to the upstream, and its 100 comes back', async () => {
    const upstream = await startUpstream(opened, (request, response) => {
      request.resume().on('end', () => response.end('done'));
    });
    const proxy = await startProxy(opened, { monolithUrl: upstream.url });
    const request = httpRequest(`${proxy.url}/x`, {
      agent: false,
      method: 'POST',
      headers: { expect: '100-continue', 'content-length': '5' },
    });
    request.flushHeaders();
    await once(request, 'continue');
    request.end('hello');
    expect(await answerTo(request)).toMatchObject({ statusCode: 200, text: 'done' });
    expect(upstream.requests[0]?.headers.expect).toBe('100-continue');
  });

  test('an upstream may turn down a body that waits for its 100', async () => {
    const upstream = await startRawUpstream(opened, (socket) =>
      socket.once('data', () => socket.write('HTTP/1.1 417 Not Now\r\nContent-Length: 0\r\n\r\n')),
    );
    const proxy = await startProxy(opened, { monolithUrl: upstream.url });
    const text = await exchangeBytes(
      proxy.url,
      'POST /x HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n',
    );
    expect(text).toMatch(/^HTTP\/1\.1 417 Not Now\r\n/);
    expect(text).not.toContain('100 Continue');
  });

  test('a 101 that nobody asked for is a bad gateway', async () => {
    const { url } = await proxyBefore(
      'HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n',
    );
    expect((await ask(`${url}/x`)).status).toBe(502);
  });
});

test('an upload is turned down by its head alone, before its first byte', async () => {
  const upstream = await startUpstream(opened, (request, response) => {
    if (request.headers.authorization === undefined) response.writeHead(401).end('who are you');
  });
  const proxy = await startProxy(opened, { monolithUrl: upstream.url });
  const request = httpRequest(`${proxy.url}/x`, {
    agent: false,
    method: 'POST',
    headers: { 'content-length': '5000000' },
  });
  request.on('error', () => undefined); // it is this test that destroys it
  request.flushHeaders();
  expect(await answerTo(request)).toMatchObject({ statusCode: 401, text: 'who are you' });
  request.destroy();
});

test('trailers pass both ways, but for those that would change how a message is read', async () => {
  const upstream = await startUpstream(opened, (request, response) => {
    request.resume().on('end', () => {
      response.writeHead(200, { trailer: 'x-sum' });
      response.write('body');
      response.addTrailers([
        ['x-sum', '42'],
        ['set-cookie', 'a=b'],
      ]);
      response.end();
    });
  });
  const proxy = await startProxy(opened, { monolithUrl: upstream.url });
  const request = httpRequest(`${proxy.url}/x`, {
    agent: false,
    method: 'PUT',
    headers: { trailer: 'x-digest', te: 'trailers', connection: 'close, te' },
  });
  request.write('some');
  request.addTrailers({ 'x-digest': 'abc', 'banyan-identity': 'forged' });
  request.end();
  const answer = await answerTo(request);
  expect(answer.trailers).toEqual({ 'x-sum': '42' });
  expect(answer.headers.trailer).toBe('x-sum');
  expect(upstream.requests[0]?.trailers).toEqual({ 'x-digest': 'abc' });
  expect(upstream.requests[0]?.headers.trailer).toBe('x-digest');
});

test.each([
  ['a length', 'GET', 'HTTP/1.1 200 OK\r\nTrailer: x\r\nContent-Length: 2\r\n\r\nok', '200'],
  ['HEAD', 'HEAD', 'HTTP/1.1 200 OK\r\nTrailer: x\r\nTransfer-Encoding: chunked\r\n\r\n', '200'],
  ['304', 'GET', 'HTTP/1.1 304 Not Modified\r\nTrailer: x\r\n\r\n', '304'],
])(
  'an answer that names trailers and can have none passes without (%s)',
  async (_case, method, bytes, status) => {
    const { url } = await proxyBefore(bytes);
    const text = await exchangeBytes(url, GET.replace('GET', method));
    expect(text.slice(9, 12)).toBe(status);
    expect(text).not.toMatch(/^trailer:/im);
  },
);

describe('bytes of a head', () => {
  test('above 0x7f pass as they came: reason phrase, headers, downloads, streams, both ways', async () => {
    let seen = '';
    const name = 'filename="caf\xe9 \xe2\x82\xac.pdf"';
    const upstream = await startRawUpstream(opened, (socket) =>
      socket.on('data', (chunk: Buffer) => {
        seen += chunk.toString('latin1');
        const framing = seen.includes('/stream') ? 'X-Stream: 1' : 'Content-Length: 2';
        socket.write(
          `HTTP/1.1 200 Tr\xe8s bien\r\n${framing}\r\nX-A: \xff\xe9\r\nContent-Disposition: attachment; ${name}\r\n\r\n`,
          'latin1',
        );
        if (seen.includes('/stream'))
          setTimeout(() => socket.end('ok'), 50); // so that the head goes alone
        else socket.write('ok');
      }),
    );
    const proxy = await startProxy(opened, { monolithUrl: upstream.url });
    for (const path of ['/x', '/stream']) {
      const text = await exchangeBytes(
        proxy.url,
        `PUT ${path} HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nX-B: \xe9\xe2\x82\xac\r\nConnection: close\r\n\r\nx`,
      );
      expect(text).toMatch(/^HTTP\/1\.1 200 Tr\xe8s bien\r\n/);
      expect(text).toContain('X-A: \xff\xe9\r\n');
      expect(text).toContain(`attachment; ${name}\r\n`);
    }
    expect(seen.split('X-B: \xe9\xe2\x82\xac\r\n')).toHaveLength(3);
    await exchangeBytes(
      proxy.url,
      'PUT /x HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nExpect: 100-continue\r\nX-C: \xe9\r\nConnection: close\r\n\r\nx',
    );
    expect(seen).toContain('X-C: \xe9\r\n');
  });

  test.each(['\x01', '\x07', '\x0b', '\x7f'])(
    'control characters (%j) in a reason phrase are a bad gateway',
    async (c) => {
      const { url } = await proxyBefore(`HTTP/1.1 200 O${c}K\r\nContent-Length: 2\r\n\r\nok`);
      for (let i = 0; i < 2; i++) expect(await ask(`${url}/x`)).toMatchObject({ status: 502 });
    },
  );

  test('a 204 with a control character still gets an error page that ends', async () => {
    const { url } = await proxyBefore('HTTP/1.1 204 N\x01\r\n\r\n');
    expect((await ask(`${url}/x`)).text).toContain('upstream-protocol');
  });

  test('thousands of headers pass, none lost', async () => {
    const many = Array.from({ length: 1_500 }, (_, i) => `a${i}: b\r\n`).join('');
    const { url } = await proxyBefore(`HTTP/1.1 200 OK\r\n${many}Content-Length: 2\r\n\r\nok`);
    const text = await exchangeBytes(url, GET);
    expect(text).toContain('\r\na1499: b\r\n');
    expect(text.endsWith('\r\n\r\nok')).toBe(true);
  });
});

test('a 204 loses its Content-Length, and the connection goes on', async () => {
  const { url } = await proxyBefore('HTTP/1.1 204 No Content\r\nContent-Length: 0\r\nX-A: b\r\n\r\n');
  const text = await exchangeBytes(url, `GET /1 HTTP/1.1\r\nHost: a\r\n\r\n${GET}`);
  expect(text.match(/HTTP\/1\.1 204/g)).toHaveLength(2);
  expect(text).toContain('X-A: b');
  expect(text).not.toMatch(/content-length/i);
});

describe('a body without a length', () => {
  const closing = (end: 'end' | 'reset') =>
    startRawUpstream(opened, (socket) =>
      socket.once('data', () => {
        socket.write('HTTP/1.1 200 OK\r\n\r\nhello');
        setTimeout(() => (end === 'end' ? socket.end() : socket.resetAndDestroy()), 20); // after the bytes
      }),
    );

  test.each(['1.1', '1.0'])('is whole when the upstream closes (HTTP/%s)', async (version) => {
    const proxy = await startProxy(opened, { monolithUrl: (await closing('end')).url });
    const text = await exchangeBytes(proxy.url, GET.replace('1.1', version));
    expect(text).toContain('hello');
    if (version === '1.1') expect(text.endsWith('\r\n0\r\n\r\n')).toBe(true);
    expect(proxy.report().clientErrors).toBe(0);
  });

  test('is broken for the client when the upstream resets', async () => {
    const proxy = await startProxy(opened, { monolithUrl: (await closing('reset')).url });
    await expect(ask(`${proxy.url}/x`)).rejects.toMatchObject({ code: 'ECONNRESET' });
    expect(proxy.report().clientErrors).toBe(1);
  });

  test('is broken by a reset for a client of HTTP/1.0, who knows no other sign', async () => {
    const proxy = await startProxy(opened, { monolithUrl: (await closing('reset')).url });
    const socket = connect(Number(new URL(proxy.url).port), '127.0.0.1');
    let text = '';
    socket.on('data', (chunk: Buffer) => (text += chunk.toString()));
    socket.write('GET /x HTTP/1.0\r\nHost: a\r\n\r\n');
    const [error] = (await once(socket, 'error')) as [NodeJS.ErrnoException];
    expect(error.code).toBe('ECONNRESET');
    expect(text).toContain('hello');
  });
});

describe('what follows an answer', () => {
  test.each([
    ['at once', 0],
    ['while the connection is idle', 20],
  ])('never answers the next request (%s)', async (_when, delayMs) => {
    let count = 0;
    const upstream = await startRawUpstream(opened, (socket) =>
      socket.on('data', () => {
        count += 1;
        const evil = 'HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil';
        if (delayMs === 0) socket.write(OK + evil);
        else {
          socket.write(OK);
          setTimeout(() => socket.write(evil), delayMs); // between two requests
        }
      }),
    );
    const proxy = await startProxy(opened, { monolithUrl: upstream.url });
    for (let i = 0; i < 5; i++) {
      expect(await ask(`${proxy.url}/x`)).toMatchObject({ status: 200, text: 'ok' });
      await new Promise((resolve) => setTimeout(resolve, delayMs * 2)); // the stray answer comes meanwhile
    }
    expect(count).toBe(5);
  });

  test('bytes beyond its length are cut, and the answer is whole', async () => {
    const { url } = await proxyBefore(`${OK}garbage`);
    for (let i = 0; i < 2; i++) expect(await ask(`${url}/x`)).toMatchObject({ status: 200, text: 'ok' });
  });
});

test('an answer that stops for longer than it may is cut, one that a client does not read is not', async () => {
  const upstream = await startUpstream(opened, (request, response) => {
    if (request.url === '/stops') response.write('half');
    else response.end(Buffer.alloc(16 * 1024 * 1024));
  });
  const proxy = await startProxy(opened, { monolithUrl: upstream.url, bodyIdleTimeoutMs: 100 });
  await expect(ask(`${proxy.url}/stops`)).rejects.toMatchObject({ code: 'ECONNRESET' });
  const request = httpRequest(`${proxy.url}/big`, { agent: false }).end();
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  await new Promise((resolve) => setTimeout(resolve, 400)); // four times what the upstream may be silent for
  let received = 0;
  for await (const chunk of response) received += (chunk as Buffer).length;
  expect(received).toBe(16 * 1024 * 1024);
  expect(proxy.report().clientErrors).toBe(1);
});

test('an early answer to a large upload reaches the client, though the upstream hangs up', async () => {
  const upstream = await startRawUpstream(opened, (socket) =>
    socket.once('data', () =>
      socket.end('HTTP/1.1 413 Too Large\r\nConnection: close\r\nContent-Length: 3\r\n\r\nbig'),
    ),
  );
  const proxy = await startProxy(opened, { monolithUrl: upstream.url });
  const statuses = new Set<number>();
  for (let i = 0; i < 10; i++) {
    statuses.add((await ask(`${proxy.url}/x`, { method: 'POST', body: 'x'.repeat(3_000_000) })).status);
  }
  expect([...statuses]).toEqual([413]);
});

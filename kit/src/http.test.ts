import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { get, request as httpRequest, type IncomingMessage, type ServerResponse } from 'node:http';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, test } from '@jest/globals';
import { listen, type HttpHandler, type ListenOptions, type Listening } from './http.ts';

let server: Listening | null = null;
const sockets: Socket[] = [];
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  await server?.close();
  server = null;
});

async function start(handler: HttpHandler, options: Partial<ListenOptions> = {}): Promise<Listening> {
  server = await listen(handler, { port: 0, ...options });
  return server;
}

/** A connection that has sent these bytes; `text` is what came back so far. */
function open(
  { port }: Listening,
  bytes = '',
): { socket: Socket; text: () => string; ended: Promise<unknown> } {
  const socket = connect(port, '127.0.0.1');
  sockets.push(socket);
  let text = '';
  socket.on('data', (chunk: Buffer) => (text += chunk.toString('latin1')));
  socket.on('error', () => undefined); // a server that closes may reset it
  socket.write(bytes, 'latin1');
  return { socket, text: () => text, ended: once(socket, 'close') };
}

const ok = (_request: IncomingMessage, response: ServerResponse): unknown => response.end('ok');
const GET = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n';

test('a port that is taken is an error, not a silent second server', async () => {
  const first = await start(ok);
  await expect(listen(ok, { port: first.port })).rejects.toMatchObject({ code: 'EADDRINUSE' });
});

describe('a handler that fails is answered for, and the server serves on', () => {
  const failures: [string, HttpHandler][] = [
    [
      'throws',
      () => {
        throw new Error('broken');
      },
    ],
    ['rejects', () => Promise.reject(new Error('broken'))],
    ['sends a reason phrase that Node refuses', (_request, response) => response.writeHead(200, 'a\u0001b')],
    [
      'fails after it has set headers of its own',
      (_request, response) => {
        response.setHeader('content-length', '3');
        response.statusMessage = 'a\nb';
        response.end('abc');
      },
    ],
  ];
  test.each(failures)('when it %s', async (_how, fail) => {
    const { url } = await start((request, response) =>
      request.url === '/' ? fail(request, response) : response.end('ok'),
    );
    const answer = await fetch(url);
    expect([answer.status, await answer.json()]).toEqual([
      500,
      { error: { code: 'internal', message: 'This could not be answered.' } },
    ]);
    expect(await (await fetch(`${url}/next`)).text()).toBe('ok');
  });

  test('when its answer has begun: the client is cut off', async () => {
    const { url } = await start((request, response) => {
      if (request.url !== '/') return response.end('ok');
      response.write('half');
      throw new Error('broken');
    });
    await expect(fetch(url).then((answer) => answer.text())).rejects.toThrow();
    expect(await (await fetch(`${url}/next`)).text()).toBe('ok');
  });

  test('when it writes after its end', async () => {
    const { url } = await start((_request, response) => {
      response.end('ok');
      response.write('more');
    });
    expect(await (await fetch(url)).text()).toBe('ok');
    expect(await (await fetch(url)).text()).toBe('ok');
  });

  test('when it takes a WebSocket', async () => {
    const listening = await start(ok, {
      onWebSocket: () => Promise.reject(new Error('broken')),
    });
    const upgrade = open(
      listening,
      'GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n',
    );
    await upgrade.ended;
    expect(await (await fetch(listening.url)).text()).toBe('ok');
  });
});

describe('a request that cannot be read', () => {
  test.each([
    ['garbage', 'SSH-2.0-x\r\n\r\n', '400'],
    ['too large a head', `GET / HTTP/1.1\r\nHost: a\r\nX: ${'x'.repeat(40_000)}\r\n\r\n`, '431'],
    ['a broken chunk', 'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n', '400'],
  ])('(%s) is answered', async (_case, bytes, status) => {
    const listening = await start((request, response) => {
      request.resume().on('end', () => response.end('ok'));
    });
    const { text, ended } = open(listening, bytes);
    await ended;
    expect(text().slice(0, 12)).toBe(`HTTP/1.1 ${status}`);
  });

  test('behind a whole one does not take the place of its answer', async () => {
    const mayAnswer = Promise.withResolvers<undefined>();
    const arrived = Promise.withResolvers<undefined>();
    const listening = await start(async (_request, response) => {
      arrived.resolve(undefined);
      await mayAnswer.promise;
      response.end('mine');
    });
    const { text, ended } = open(listening, `${GET}garbage\r\n\r\n`);
    await arrived.promise;
    setImmediate(() => mayAnswer.resolve(undefined));
    await ended;
    expect(text()).toMatch(/^HTTP\/1\.1 200 OK[^]*mine$/);
  });

  test('of 30 kB of headers can be, also in two thousand and more lines', async () => {
    const seen: number[] = [];
    const listening = await start((request, response) => {
      seen.push(request.rawHeaders.length / 2);
      response.end('ok');
    });
    const many = Array.from({ length: 2_500 }, (_, i) => `X${i}: 1\r\n`).join('');
    const { text } = open(listening, `GET / HTTP/1.1\r\nHost: a\r\n${many}Connection: close\r\n\r\n`);
    const large = await fetch(listening.url, { headers: { x: 'x'.repeat(30_000) } });
    expect(large.status).toBe(200);
    await once(sockets[0] as Socket, 'close');
    expect(text()).toContain('200 OK');
    expect(Math.max(...seen)).toBe(2_502);
  });
});

test('an upgrade to what is not offered, or asked for without Connection, is a request like any other', async () => {
  const listening = await start(ok, { onWebSocket: (_request, socket) => socket.end('taken over') });
  const ask = async (headers: string): Promise<string> => {
    const { text, ended } = open(listening, `GET / HTTP/1.1\r\nHost: a\r\n${headers}\r\n\r\n`);
    await ended;
    return text();
  };
  expect(await ask('Connection: close, upgrade\r\nUpgrade: h2c')).toContain('200 OK');
  expect(await ask('Connection: close\r\nUpgrade: websocket')).toContain('200 OK');
  expect(await ask('Connection: upgrade\r\nUpgrade: websocket')).toBe('taken over');
});

test('no free file descriptor is no reason to end', async () => {
  const child = spawn(
    'bash',
    [
      '-c',
      `ulimit -n 60 && exec "$0" "$1"`,
      process.execPath,
      join(import.meta.dirname, 'testing/listen-main.ts'),
    ],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  try {
    const [line] = (await once(child.stdout, 'data')) as [Buffer];
    const port = Number(line.toString());
    const held = Array.from({ length: 100 }, () => {
      const socket = connect(port, '127.0.0.1');
      socket.on('error', () => undefined); // refused for want of a descriptor
      return { socket, closed: new Promise((resolve) => socket.once('close', resolve)) };
    });
    // The server has met its limit once it turns one away.
    await Promise.race(held.map(({ closed }) => closed));
    for (const { socket } of held) socket.destroy();
    // Until it has heard that those are gone it turns others away, which is in order.
    const ask = async (): Promise<string> => {
      for (;;) {
        const text = await fetch(`http://127.0.0.1:${port}`).then(
          (answer) => answer.text(),
          () => null,
        );
        if (text !== null) return text;
        expect([child.exitCode, child.signalCode]).toEqual([null, null]);
        await sleep(20);
      }
    };
    expect(await ask()).toBe('ok');
    expect(child.exitCode).toBeNull();
  } finally {
    child.kill('SIGKILL');
  }
});

describe('close()', () => {
  test('answers a request in flight, closes its connection, and ends as soon as that is done', async () => {
    const arrived = Promise.withResolvers<undefined>();
    const mayAnswer = Promise.withResolvers<undefined>();
    const listening = await start(
      async (_request, response) => {
        arrived.resolve(undefined);
        await mayAnswer.promise;
        response.end('late but whole');
      },
      { graceMs: 600_000, keepAliveTimeoutMs: 600_000 },
    );
    const kept = open(listening, GET);
    await arrived.promise;
    const closed = listening.close();
    mayAnswer.resolve(undefined);
    await closed;
    await kept.ended;
    expect(kept.text()).toMatch(/connection: close[^]*late but whole$/i);
    await listening.close(); // twice is once
  });

  test('ends at once with an answer that had begun, idle connections and ones that never asked', async () => {
    const begun = Promise.withResolvers<ServerResponse>();
    const listening = await start(
      (request, response) => {
        if (request.url === '/') return response.end('ok');
        response.write('begun');
        begun.resolve(response);
      },
      { graceMs: 600_000, keepAliveTimeoutMs: 600_000 },
    );
    const idle = open(listening, GET);
    await once(idle.socket, 'data');
    const silent = open(listening);
    await once(silent.socket, 'connect');
    const streaming = open(listening, 'GET /stream HTTP/1.1\r\nHost: a\r\n\r\n');
    const response = await begun.promise;
    const closed = listening.close();
    await Promise.all([idle.ended, silent.ended]);
    response.end(' and ended');
    await closed;
    await streaming.ended;
    expect(streaming.text()).toContain(' and ended');
  });

  test('ends after its grace what does not end by itself, taken-over connections too', async () => {
    const arrived = Promise.withResolvers<undefined>();
    const listening = await start(() => undefined, {
      graceMs: 1,
      onWebSocket: () => arrived.resolve(undefined),
    });
    const hung = open(listening, GET);
    const taken = open(
      listening,
      'GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n',
    );
    await arrived.promise;
    await listening.close();
    await Promise.all([hung.ended, taken.ended]);
  });
});

test('an upload goes on for as long as it is not silent', async () => {
  const { url } = await start((request, response) => request.pipe(response), { idleTimeoutMs: 60_000 });
  const upload = httpRequest(url, { method: 'POST', agent: false });
  upload.write('a');
  const [answer] = (await once(upload, 'response')) as [IncomingMessage];
  expect(server?.server.requestTimeout).toBe(0);
  upload.end('b');
  const chunks: Buffer[] = [];
  for await (const chunk of answer) chunks.push(chunk as Buffer);
  expect(Buffer.concat(chunks).toString()).toBe('ab');
});

test('a connection that falls silent in the middle is ended', async () => {
  const { url } = await start(() => undefined, { idleTimeoutMs: 50 });
  const request = get(url, { agent: false });
  await expect(once(request, 'response')).rejects.toMatchObject({ code: 'ECONNRESET' });
});

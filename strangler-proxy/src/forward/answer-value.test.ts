import { once } from 'node:events';
import { IncomingMessage } from 'node:http';
import { Socket } from 'node:net';
import { afterEach, expect, test } from '@jest/globals';
import { eventually, Opened, startRawUpstream } from '../testing/fixtures.ts';
import type { UpstreamAnswer, Waiter } from './data-plane.ts';
import { HttpDataPlane, type DataPlaneOptions } from './http-data-plane.ts';

const opened = new Opened();
afterEach(() => opened.close());

/** A request that came by no connection: only its head is looked at. */
function getRequest(): IncomingMessage {
  const request = new IncomingMessage(new Socket());
  Object.assign(request, { method: 'GET', url: '/', httpVersion: '1.1', complete: true });
  return request;
}

/** The answer to a GET at an upstream that sends these bytes, without a client or a server. */
async function answerOf(
  onConnection: (socket: Socket) => void,
  {
    waiter = { isGone: false, onGone: null },
    ...options
  }: Partial<DataPlaneOptions> & { waiter?: Waiter } = {},
): Promise<{ readonly answer: UpstreamAnswer; readonly socket: Socket; readonly heard: number[] }> {
  const upstream = await startRawUpstream(opened, (socket) =>
    socket.once('data', () => onConnection(socket)),
  );
  const dataPlane = new HttpDataPlane({ pseudonym: 'test', ...options });
  opened.add(() => dataPlane.close());
  const heard: number[] = [];
  const onInformation = (status: number): unknown => heard.push(status);
  const reply = await dataPlane.forward(getRequest(), [upstream.url], {
    deadlineMs: 5_000,
    waiter,
    onInformation,
  });
  const [socket] = upstream.sockets;
  if (reply.kind !== 'answer' || !socket) throw new Error(`no answer: ${reply.kind}`);
  return { answer: reply, socket, heard };
}

const HEAD = 'HTTP/1.1 200 Fine\r\nX-B: 2\r\nx-a: 1\r\nX-B: 3\r\n';

test('an answer is a value: head as sent, body in chunks, trailers, with what came before it', async () => {
  const { answer, heard } = await answerOf((socket) =>
    socket.write(
      `HTTP/1.1 103 Early Hints\r\nLink: <x>\r\n\r\n${HEAD}Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nX-T: t\r\n\r\n`,
    ),
  );
  const { status, statusText, headers } = answer;
  expect([heard, status, statusText]).toEqual([[103], 200, 'Fine']);
  expect(headers.slice(0, 6)).toEqual(['X-B', '2', 'x-a', '1', 'X-B', '3']);
  const chunks: Buffer[] = [];
  for await (const chunk of answer.body) chunks.push(chunk as Buffer);
  expect([Buffer.concat(chunks).toString(), answer.isComplete]).toEqual(['hello', true]);
  expect(answer.trailers).toEqual(['X-T', 't']);
});

test('who does not read holds the upstream up, for longer than it may be silent; then all of it comes', async () => {
  const size = 32 * 1024 * 1024;
  const { answer, socket } = await answerOf(
    (upstream) => {
      upstream.write(`HTTP/1.1 200 OK\r\nContent-Length: ${size}\r\n\r\n`);
      upstream.end(Buffer.alloc(size)); // and its connection with it
    },
    { bodyIdleTimeoutMs: 20 },
  );
  await new Promise((resolve) => setTimeout(resolve, 200)); // many times as long as it may be silent
  expect(socket.writableLength).toBeGreaterThan(0);
  let received = 0;
  for await (const chunk of answer.body) received += (chunk as Buffer).length;
  expect(received).toBe(size);
});

test('an upstream that falls silent breaks the body off, for whoever iterates as well', async () => {
  const { answer } = await answerOf((socket) => socket.write(`${HEAD}Content-Length: 9\r\n\r\nhalf`), {
    bodyIdleTimeoutMs: 50,
  });
  const chunks: string[] = [];
  const reading = (async () => {
    for await (const chunk of answer.body) chunks.push((chunk as Buffer).toString());
  })();
  await expect(reading).rejects.toMatchObject({ code: 'upstream-deadline' });
  expect([chunks, answer.isComplete]).toEqual([['half'], false]);
});

test('one whose connection breaks is no whole one', async () => {
  const { answer, socket } = await answerOf((upstream) =>
    upstream.write(`${HEAD}Content-Length: 9\r\n\r\nhalf`),
  );
  socket.resetAndDestroy();
  const reading = (async () => {
    for await (const chunk of answer.body) expect(String(chunk)).toBe('half');
  })();
  await expect(reading).rejects.toThrow();
});

test('to destroy the body lets go of the connection, read or not', async () => {
  for (const text of ['half', 'all of it']) {
    const { answer, socket } = await answerOf((upstream) =>
      upstream.write(`${HEAD}Content-Length: 9\r\n\r\n${text}`),
    );
    const gone = once(socket, 'close');
    answer.body.destroy();
    await gone;
  }
});

test('who waits and goes away ends the question, with no answer', async () => {
  const upstream = await startRawUpstream(opened, (socket) => socket.resume());
  const dataPlane = new HttpDataPlane({ pseudonym: 'test' });
  opened.add(() => dataPlane.close());
  const waiter: Waiter = { isGone: false, onGone: null };
  const asked = dataPlane.forward(getRequest(), [upstream.url], { deadlineMs: 60_000, waiter });
  await eventually('it is connected', () => upstream.sockets.length === 1);
  const gone = once(upstream.sockets[0] as Socket, 'close');
  waiter.onGone?.();
  expect(await asked).toEqual({ kind: 'cancelled', hasGivenUp: false });
  await gone;
  expect(waiter.onGone).toBeNull();
});

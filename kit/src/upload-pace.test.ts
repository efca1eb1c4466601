import { once } from 'node:events';
import { request as httpRequest, type ClientRequest, type IncomingMessage } from 'node:http';
import { afterEach, expect, test } from '@jest/globals';
import { listen, type Listening } from './http.ts';
import { UploadPace } from './upload-pace.ts';

const WINDOW_MS = 20_000;
let server: Listening | null = null;
let upload: ClientRequest | null = null;
afterEach(async () => {
  upload?.destroy();
  await server?.close();
});

/** An upload that has brought its head and these bytes, as the server sees it. */
async function startUpload(options: { readonly headers?: Record<string, string>; readonly isRead: boolean }) {
  const arrived = Promise.withResolvers<IncomingMessage>();
  const take = (request: IncomingMessage): void => {
    if (options.isRead) request.resume();
    arrived.resolve(request);
  };
  server = await listen(take, { port: 0, graceMs: 1, minUploadBytesPerSecond: 0, onExpectContinue: take });
  upload = httpRequest(server.url, {
    method: 'POST',
    agent: false,
    ...(options.headers && { headers: options.headers }),
  });
  upload.on('error', () => undefined); // this test destroys it
  upload.flushHeaders();
  return { upload, request: await arrived.promise };
}

/** What a look at these times finds too slow. */
function lookAt(request: IncomingMessage): { look: (afterMs: number) => boolean } {
  const slow: IncomingMessage[] = [];
  const pace = new UploadPace({ minBytesPerSecond: 10, onTooSlow: (found) => slow.push(found) });
  pace.watch(request);
  const startMs = performance.now();
  return {
    look(afterMs) {
      pace.look(startMs + afterMs);
      return slow.includes(request);
    },
  };
}

async function send(to: ClientRequest, request: IncomingMessage, bytes: number): Promise<void> {
  const before = request.socket.bytesRead;
  to.write(Buffer.alloc(bytes));
  while (request.socket.bytesRead < before + bytes) await once(request, 'data');
}

test('a body that comes slower than it may is found, once its window is over', async () => {
  const { upload: body, request } = await startUpload({ isRead: true });
  const { look } = lookAt(request);
  expect(look(WINDOW_MS - 1_000)).toBe(false);
  await send(body, request, 1_000);
  expect(look(WINDOW_MS + 1_000)).toBe(false);
  await send(body, request, 10);
  expect(look(2 * WINDOW_MS + 2_000)).toBe(true);
});

test('one that nobody reads is not slow', async () => {
  const { upload: body, request } = await startUpload({ isRead: false });
  const { look } = lookAt(request);
  body.write(Buffer.alloc(10));
  await once(request, 'readable');
  expect(look(WINDOW_MS * 2)).toBe(false);
});

test('nor is one that waits to be told to go on', async () => {
  const { request } = await startUpload({ headers: { expect: '100-continue' }, isRead: true });
  expect(lookAt(request).look(WINDOW_MS * 2)).toBe(false);
});

test('the server answers it with 408', async () => {
  server = await listen((request) => request.resume(), {
    port: 0,
    graceMs: 1,
    minUploadBytesPerSecond: 1_000_000,
  });
  upload = httpRequest(server.url, { method: 'POST', agent: false });
  upload.on('error', () => undefined); // the server ends it after its answer
  upload.write('a');
  const [answer] = (await once(upload, 'response')) as [IncomingMessage];
  expect(answer.statusCode).toBe(408);
  answer.resume();
});

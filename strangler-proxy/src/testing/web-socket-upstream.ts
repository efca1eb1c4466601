import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { WebSocket } from 'undici';
import { eventually, type Opened, VISITOR } from './fixtures.ts';

/** An upstream that takes WebSockets, and says its name and what it was sent. */
export interface WebSocketUpstream {
  readonly url: string;
  readonly requests: IncomingMessage[];
  readonly sockets: Duplex[];
}

// RFC 6455 1.3
const acceptOf = (key: string | undefined): string =>
  createHash('sha1')
    .update(`${key ?? ''}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`)
    .digest('base64');

/** A text frame of less than 126 bytes, as a server sends it (RFC 6455 5.2). */
const frameOf = (text: string): Buffer => Buffer.from([0x81, Buffer.byteLength(text), ...Buffer.from(text)]);

/** The text of one masked frame of less than 126 bytes, as a client sends it. */
function textOf(frame: Buffer): string {
  const mask = frame.subarray(2, 6);
  return Buffer.from(frame.subarray(6).map((byte, i) => byte ^ (mask[i % 4] ?? 0))).toString();
}

/** Starts one. Requests without an upgrade are answered with its name. */
export async function startWebSocketUpstream(opened: Opened, name: string): Promise<WebSocketUpstream> {
  const requests: IncomingMessage[] = [];
  const sockets: Duplex[] = [];
  const server = createServer((_request, response) => response.end(name));
  server.on('upgrade', (request: IncomingMessage, socket: Duplex) => {
    requests.push(request);
    sockets.push(socket);
    socket.on('error', () => undefined); // the other end may cut it
    socket.write(
      'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n' +
        `Sec-WebSocket-Accept: ${acceptOf(request.headers['sec-websocket-key'])}\r\n\r\n`,
    );
    socket.write(frameOf(`hello from ${name}`));
    socket.on('data', (frame: Buffer) => {
      if (frame[0] === 0x81) socket.write(frameOf(`${name} got ${textOf(frame)}`));
      else if (frame[0] === 0x88) socket.end(Buffer.from([0x88, 0])); // a close is answered by one
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  opened.add(async () => {
    for (const socket of sockets) socket.destroy();
    server.close();
    server.closeAllConnections();
    await once(server, 'close');
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, requests, sockets };
}

/** A client's end of a WebSocket. */
export interface Chat {
  readonly socket: WebSocket;
  /** What it was sent, in order. */
  readonly heard: string[];
  readonly isOpen: () => boolean;
}

/** Opens one as a known visitor, and waits until it has heard something. @throws Error when it is refused. */
export async function openChat(
  opened: Opened,
  url: string,
  headers: Record<string, string> = {},
): Promise<Chat> {
  const socket = new WebSocket(url.replace(/^http/, 'ws'), { headers: { cookie: VISITOR, ...headers } });
  opened.add(() => {
    socket.close();
    return undefined;
  });
  const heard: string[] = [];
  let isRefused = false;
  socket.addEventListener('message', ({ data }) => heard.push(String(data)));
  socket.addEventListener('error', () => (isRefused = true));
  const chat = { socket, heard, isOpen: () => socket.readyState === WebSocket.OPEN };
  await eventually('it is greeted', () => {
    if (isRefused) throw new Error('refused');
    return heard.length > 0;
  });
  return chat;
}

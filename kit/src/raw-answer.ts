import { STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';

/** Answers on a socket that has no response object, and closes it. Nothing happens on one that cannot be written to. */
export function sendRawAnswer(
  socket: Duplex,
  answer: { readonly status: number; readonly message: string; readonly contentType?: string },
): void {
  const { status, message, contentType = 'text/plain; charset=utf-8' } = answer;
  if (!socket.writable) {
    socket.destroy();
    return;
  }
  const body = Buffer.from(message);
  const head = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? 'Unknown'}`,
    `content-type: ${contentType}`,
    `content-length: ${body.length}`,
    'cache-control: no-store',
    'connection: close',
  ];
  socket.end(Buffer.concat([Buffer.from(`${head.join('\r\n')}\r\n\r\n`), body]), () => socket.destroy());
}

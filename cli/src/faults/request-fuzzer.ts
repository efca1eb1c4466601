import { connect } from 'node:net';

/** A number from 0 up to 1, the same ones for the same seed (mulberry32). */
export function createRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** What servers have tripped over: in targets, header lines, framings and versions. */
const PIECES = [
  ...[
    '//',
    '/..',
    '/%2e%2e/',
    '%',
    '%00',
    '%ff',
    '\\',
    '*',
    'http://a@b:99999/',
    '?',
    '#',
    ';',
    '\u0000',
    '\u00ff',
  ],
  ...['\r\n', '\n', '\r', ' ', '\t', ':', ',', '\r\n\r\n', 'HTTP/1.1', 'HTTP/9.9', 'HTTP/0.9', 'HTTP/2.0'],
  ...[
    '\r\nHost: b',
    '\r\nHost:',
    '\r\nContent-Length: 5',
    '\r\nContent-Length: -1',
    '\r\nTransfer-Encoding: chunked',
  ],
  ...[
    '\r\nConnection: upgrade',
    '\r\nUpgrade: websocket',
    '\r\nUpgrade: h2c',
    '\r\nExpect: 100-continue',
    '\r\nExpect: x',
  ],
  ...['\r\nCookie: a=b; =; ;', '\r\nX-Forwarded-For: ,,::1', '\r\nAuthorization: Bearer', '\r\n__proto__: x'],
  ...[
    '0\r\n\r\n',
    'ffffffffff\r\n',
    '5;a=b\r\nhello\r\n',
    '{"',
    '[]',
    '\ud83d\ude00',
    `X-Long: ${'x'.repeat(40_000)}`,
  ],
  ...['CONNECT a:1', 'TRACE ', 'PRI * HTTP/2.0', 'OPTIONS *', 'constructor', '-1', '1e999', 'NaN'],
];

const TARGETS = [
  ...[
    '//',
    '///',
    '//a',
    '//[',
    '//a:b',
    '/%',
    '/%ff',
    '/\u00ff',
    '*',
    '?',
    'http://',
    'http://[::1',
    'a:1',
    '/?a=%',
    '/\\',
    '',
  ],
];

/** One of these requests, changed in one to four places. */
export function mutate(requests: readonly string[], random: () => number): string {
  const below = (limit: number): number => Math.floor(random() * limit);
  const one = <T>(of: readonly T[]): T => of[below(of.length)] as T;
  let text = one(requests);
  for (let changes = 1 + below(4); changes > 0; changes--) {
    // Mostly in the head, where most is read.
    const at = below(random() < 0.5 ? Math.min(text.length, 60) : text.length);
    const length = 1 + below(8);
    switch (below(6)) {
      case 0:
        text = text.slice(0, at) + one(PIECES) + text.slice(at);
        break;
      case 1:
        text = text.slice(0, at) + String.fromCharCode(below(256)) + text.slice(at + 1);
        break;
      case 2:
        text = text.slice(0, at) + text.slice(at + length);
        break;
      case 3:
        // The target: what is parsed most.
        text = text.replace(
          /^(\S+) \S*/,
          (_, method: string) => `${method} ${one(TARGETS)}${random() < 0.5 ? one(PIECES) : ''}`,
        );
        break;
      case 4:
        text = text.slice(0, at) + text.slice(at, at + length).repeat(1 + below(40)) + text.slice(at);
        break;
      default:
        text = text.slice(0, at) + one(requests).slice(below(40));
    }
  }
  return text;
}

/** Sends bytes on a connection of its own, with nothing behind them, and waits until the server has closed it. */
export function sendBytes(port: number, bytes: string): Promise<void> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
    socket.on('error', () => undefined); // a server that closes early may reset it
    socket.on('close', () => resolve());
    socket.on('end', () => socket.destroy());
    socket.setTimeout(2_000, () => socket.destroy()); // a stream, a tunnel: it has had its say
    socket.resume();
    socket.end(bytes, 'latin1');
  });
}

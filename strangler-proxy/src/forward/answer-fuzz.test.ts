import { connect, type Socket } from 'node:net';
import { afterEach, expect, test } from '@jest/globals';
import { mutate, randomNumbers } from '../testing/mutate.ts';
import { ask, Opened, startProxy, startRawUpstream } from '../testing/fixtures.ts';

const opened = new Opened();
afterEach(() => opened.close());

/** Answers tried. `FUZZ_ANSWERS=20000` for a long run; `FUZZ_SEED` for another one. */
const COUNT = Number(process.env['FUZZ_ANSWERS'] ?? 2_000);
const SEED = Number(process.env['FUZZ_SEED'] ?? 20_261_127);
const AT_ONCE = 16;

const ANSWERS = [
  'HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 5\r\n\r\nhello',
  'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: x-sum\r\n\r\n5\r\nhello\r\n0\r\nx-sum: 1\r\n\r\n',
  'HTTP/1.1 404 Not Found\r\nSet-Cookie: a=b\r\nSet-Cookie: c=d\r\nConnection: close\r\n\r\ngone',
  'HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok',
  'HTTP/1.1 204 No Content\r\nContent-Length: 0\r\nETag: "x"\r\n\r\n',
  'HTTP/1.1 302 Found\r\nLocation: /b\r\nContent-Length: 0\r\nKeep-Alive: timeout=5\r\nConnection: keep-alive\r\n\r\n',
  'HTTP/1.0 200 OK\r\nContent-Disposition: attachment; filename="\xe9.pdf"\r\n\r\nfile',
];
const REQUESTS = [
  'GET /x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n',
  'HEAD /x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n',
  'GET /x HTTP/1.0\r\nHost: a\r\n\r\n',
  'POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nConnection: close\r\n\r\nbody',
  'PUT /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nExpect: 100-continue\r\nConnection: close\r\n\r\n4\r\nbody\r\n0\r\n\r\n',
];

/** Sends a request on a connection of its own, and gives what came when it ended, in whatever way. */
async function send(url: string, bytes: string): Promise<string> {
  const socket = connect(Number(new URL(url).port), '127.0.0.1');
  let text = '';
  socket.on('data', (chunk: Buffer) => (text += chunk.toString('latin1')));
  socket.on('error', () => undefined); // a reset is one way to be told of a broken answer
  socket.write(bytes, 'latin1');
  await new Promise((resolve) => socket.once('close', resolve));
  return text;
}

test(`${COUNT} mutated answers end no process and keep no place; none answers another's request`, async () => {
  const random = randomNumbers(SEED);
  /** Answers still to give, by the number in the request's path. */
  const planned = new Map<string, { bytes: string; end: number }>();
  const numbers = new Set<string>();
  const answer = (socket: Socket, number: string): void => {
    const { bytes, end } = planned.get(number) ?? { bytes: '', end: 0 };
    if (end === 0) socket.end(bytes, 'latin1');
    else if (end === 1) socket.write(bytes, 'latin1', () => socket.resetAndDestroy());
    else {
      // In two parts, and left open; the deadline or the silence ends what is not whole.
      const at = Math.floor(bytes.length / 2);
      socket.write(bytes.slice(0, at), 'latin1', () => socket.write(bytes.slice(at), 'latin1'));
    }
  };
  const upstream = await startRawUpstream(opened, (socket) =>
    socket.on('data', (chunk: Buffer) => {
      const number = /^[A-Z]+ \/(\d+-\d+) /.exec(chunk.toString('latin1'))?.[1];
      if (number !== undefined) answer(socket, number);
      else if (/^GET \/sound /.test(chunk.toString()))
        socket.write('HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nsound');
    }),
  );
  const proxy = await startProxy(opened, {
    monolithUrl: upstream.url,
    monolithDeadlineMs: 200,
    bodyIdleTimeoutMs: 200,
    upstreamMaxOutstanding: AT_ONCE + 1,
  });
  let next = 0;
  const seen = { answered: 0, badGateway: 0, brokenOff: 0 };
  const loop = async (): Promise<void> => {
    while (next < COUNT) {
      const number = `${next++}-${random(1_000_000_000)}`;
      numbers.add(number);
      const own = `x-number: ${number}\r\n`;
      const template = (ANSWERS[random(ANSWERS.length)] ?? '').replace(/\r\n\r\n/g, `\r\n${own}\r\n`);
      planned.set(number, { bytes: mutate(template, random), end: random(3) });
      const request = (REQUESTS[random(REQUESTS.length)] ?? '').replace('/x', `/${number}`);
      const text = await send(proxy.url, request);
      planned.delete(number);
      if (text === '') seen.brokenOff += 1;
      else if (/^HTTP\/1\.1 50[24] /.test(text)) seen.badGateway += 1;
      else seen.answered += 1;
      if (text.includes(' 503 ') && text.includes('upstream-busy'))
        throw new Error(`a place was lost by ${number}`);
      for (const [, other = ''] of text.matchAll(/x-number: (\S+)/gi)) {
        if (other !== number && numbers.has(other)) throw new Error(`${number} got ${other}'s answer`);
      }
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, loop));
  // Every place is free again: as many at once as may be are all served.
  const sound = await Promise.all(Array.from({ length: AT_ONCE + 1 }, () => ask(`${proxy.url}/sound`)));
  expect(sound.map(({ text }) => text)).toEqual(Array.from({ length: AT_ONCE + 1 }, () => 'sound'));
  expect(seen.answered).toBeGreaterThan(COUNT / 10);
  expect(seen.badGateway).toBeGreaterThan(COUNT / 20);
}, 1_200_000);

import { METHODS } from 'node:http';
import { afterEach, expect, test } from '@jest/globals';
import { ask, exchangeBytes, Opened, startProxy, startUpstream } from '../testing/fixtures.ts';

const opened = new Opened();
afterEach(() => opened.close());

const byte = (code: number): string => String.fromCharCode(code);
const everyByte = Array.from({ length: 256 }, (_, code) => byte(code));
/** Headers of which a message has one at most, or that say how it is read: doubled, joined, empty, odd. */
const SINGLE = [
  'Host',
  'Content-Length',
  'Transfer-Encoding',
  'Connection',
  'Expect',
  'TE',
  'Trailer',
  'Upgrade',
  'Keep-Alive',
  'Cookie',
  'Content-Type',
  'Content-Disposition',
  'Authorization',
  'Range',
  'If-Match',
];
const ODD_VALUES = [
  '',
  ' ',
  '0',
  '-1',
  'a, b',
  'chunked',
  'gzip, chunked',
  'close',
  '100-continue',
  'trailers',
  '\xe9',
];

/** Heads of all kinds that somebody might send, each without its last empty line. */
function* heads(): Generator<string> {
  for (const method of METHODS) yield `${method} /x HTTP/1.1\r\nHost: a`;
  for (const b of everyByte) {
    yield `GET /x${b}y HTTP/1.1\r\nHost: a`;
    yield `GET /x HTTP/1.1\r\nHost: a\r\nX-${b}: v`;
    yield `GET /x HTTP/1.1\r\nHost: a\r\nX-A: v${b}w`;
    yield `GET /x HTTP/1.1\r\nHost: a${b}b`;
    yield `POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 0${b}`;
  }
  for (const name of SINGLE) {
    for (const value of ODD_VALUES) {
      yield `GET /x HTTP/1.1\r\nHost: a\r\n${name}: ${value}`;
      yield `GET /x HTTP/1.1\r\nHost: a\r\n${name}: ${value}\r\n${name}: ${value}`;
      yield `PUT /x HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n${name}: ${value}\r\n${name}: other`;
      yield `PUT /x HTTP/1.0\r\nHost: a\r\nContent-Length: 0\r\n${name}: ${value}`;
    }
  }
}

test('whatever head Node lets through is sent on or refused with 4xx, and leaves its place to the next', async () => {
  const upstream = await startUpstream(opened, (request, response) => {
    request.resume();
    response.writeHead(200, { 'x-served': 'upstream' }).end('ok');
  });
  const proxy = await startProxy(opened, { monolithUrl: upstream.url, upstreamMaxOutstanding: 8 });
  const wrong: string[] = [];
  const seen = { sent: 0, refused: 0 };
  const queue = [...heads()];
  const loop = async (): Promise<void> => {
    for (let head = queue.pop(); head !== undefined; head = queue.pop()) {
      const body = /transfer-encoding:.*chunked/i.test(head) ? '0\r\n\r\n' : '';
      const answer = await exchangeBytes(
        proxy.url,
        `${head}\r\nConnection: close\r\n\r\n${body}`,
        (text) => /^HTTP\/1\.1 [2-5]/.test(text) && text.includes('\r\n\r\n'),
      );
      if (/^HTTP\/1\.1 200 /.test(answer)) seen.sent += 1;
      else if (/^HTTP\/1\.1 (4\d\d|501|505) /.test(answer)) seen.refused += 1;
      else if (!head.startsWith('CONNECT')) wrong.push(`${JSON.stringify(head)}: ${answer.slice(0, 40)}`); // cut off by Node
    }
  };
  await Promise.all(Array.from({ length: 8 }, loop));
  expect(wrong).toEqual([]);
  expect(seen.sent).toBeGreaterThan(500);
  expect(seen.refused).toBeGreaterThan(200);
  const after = await Promise.all(Array.from({ length: 8 }, () => ask(`${proxy.url}/x`)));
  expect(after.map(({ status }) => status)).toEqual(Array.from({ length: 8 }, () => 200));
});

test.each([
  ['two hosts', 'GET /x HTTP/1.1\r\nHost: a\r\nHost: a'],
  ['a coding besides chunked', 'POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked'],
  ['two codings', 'POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked'],
])('%s are refused before anything is sent', async (_case, head) => {
  const upstream = await startUpstream(opened, (_request, response) => response.end('reached'));
  const proxy = await startProxy(opened, { monolithUrl: upstream.url });
  const text = await exchangeBytes(proxy.url, `${head}\r\n\r\n0\r\n\r\n`, (sofar) =>
    sofar.includes('\r\n\r\n'),
  );
  expect(text.slice(0, 12)).toBe('HTTP/1.1 400');
  expect(upstream.requests).toHaveLength(0);
});

test.each([
  ['POST', 'POST /x HTTP/1.1\r\nHost: a', '0', undefined],
  ['GET', 'GET /x HTTP/1.1\r\nHost: a', undefined, undefined],
  [
    'DELETE with chunks',
    'DELETE /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0',
    undefined,
    'chunked',
  ],
  ['GET with a length', 'GET /x HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc', '3', undefined],
])('the framing of %s arrives as it was meant', async (_case, head, length, coding) => {
  const bodies: string[] = [];
  const upstream = await startUpstream(opened, (request, response) => {
    let body = '';
    request.on('data', (chunk: Buffer) => (body += chunk.toString()));
    request.on('end', () => {
      bodies.push(body);
      response.end('ok');
    });
  });
  const proxy = await startProxy(opened, { monolithUrl: upstream.url });
  const text = await exchangeBytes(proxy.url, `${head}\r\n\r\n`, (sofar) => sofar.endsWith('ok'));
  expect(text).toContain('200 OK');
  expect(bodies).toEqual([length === '3' || coding ? 'abc' : '']);
  expect(upstream.requests[0]?.headers['content-length']).toBe(length);
  expect(upstream.requests[0]?.headers['transfer-encoding']).toBe(coding);
});

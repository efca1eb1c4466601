import { listenAndTell } from './listen.ts';

/** As many as were asked for, or about what a small page's fragment or an API's answer weighs. */
const { BODY_BYTES: bytes = '1200' } = process.env;
const BODY = JSON.stringify('x'.repeat(Math.max(Number(bytes) - 2, 0)));

/** The server behind every contestant, and the one asked directly. */
listenAndTell((_request, response) => {
  response.writeHead(200, { 'content-type': 'application/json', 'content-length': BODY.length });
  response.end(BODY);
});

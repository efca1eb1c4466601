import { listenAndTell } from './listen.ts';

// About what a small page's fragment or an API's answer weighs.
const BODY = JSON.stringify({
  reviews: Array.from({ length: 12 }, (_, id) => ({ id, stars: 5, text: 'x'.repeat(60) })),
});

/** The server behind every contestant, and the one asked directly. */
listenAndTell((_request, response) => {
  response.writeHead(200, { 'content-type': 'application/json', 'content-length': BODY.length });
  response.end(BODY);
});

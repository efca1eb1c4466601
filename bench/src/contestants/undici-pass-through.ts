import { Agent } from 'undici';
import { listenAndTell } from './listen.ts';

const upstream = process.env['UPSTREAM_URL'] ?? '';
const agent = new Agent({ allowH2: false, pipelining: 1 });

/** The least that a proxy over undici can do: nothing is checked, decided, counted or stripped. */
listenAndTell((request, response) => {
  agent.dispatch(
    {
      origin: upstream,
      path: request.url ?? '/',
      method: request.method ?? 'GET',
      headers: { host: request.headers.host ?? '' },
    },
    {
      onRequestStart: () => undefined,
      onResponseStart(_controller, status, headers) {
        response.writeHead(status, headers);
      },
      onResponseData(_controller, chunk) {
        response.write(chunk);
      },
      onResponseEnd() {
        response.end();
      },
      onResponseError() {
        response.destroy();
      },
    },
  );
});

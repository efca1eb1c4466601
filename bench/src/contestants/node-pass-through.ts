import { Agent, request as startRequest } from 'node:http';
import { listenAndTell } from './listen.ts';

const upstream = new URL(process.env['UPSTREAM_URL'] ?? '');
const agent = new Agent({ keepAlive: true });

/** The least that Node's own client can do: nothing is checked, decided, counted or stripped. */
listenAndTell((request, response) => {
  const upstreamRequest = startRequest({
    agent,
    host: upstream.hostname,
    port: upstream.port,
    method: request.method,
    path: request.url,
    headers: request.rawHeaders,
  });
  upstreamRequest.on('response', (answer) => {
    response.writeHead(answer.statusCode ?? 502, answer.rawHeaders);
    answer.on('data', (chunk: Buffer) => response.write(chunk));
    answer.on('end', () => response.end());
  });
  upstreamRequest.on('error', () => response.destroy());
  upstreamRequest.end();
});

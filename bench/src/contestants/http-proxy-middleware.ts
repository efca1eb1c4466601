import { Agent } from 'node:http';
import { createProxyMiddleware } from 'http-proxy-middleware';
import { listenAndTell } from './listen.ts';

/** http-proxy-middleware as its users set it up when they care: with an agent that keeps connections. */
const proxy = createProxyMiddleware({
  target: process.env['UPSTREAM_URL'] ?? '',
  agent: new Agent({ keepAlive: true }),
  xfwd: true,
});

listenAndTell((request, response) => {
  void proxy(request, response, () => response.writeHead(404).end());
});

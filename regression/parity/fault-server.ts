import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Source } from './sides.ts';

/** Changes a body on its way; the path tells which page it is. */
export type Fault = (body: string, path: string) => string;

export interface FaultServer {
  readonly url: string;
  /** The fault from now on. */
  plant(fault: Fault): void;
  close(): Promise<void>;
}

const UPSTREAM_TIMEOUT_MS = 10_000;
const PASSED_HEADERS = [
  'content-type',
  'cache-control',
  'content-security-policy',
  'referrer-policy',
] as const;

/** A server in front of one side that passes GETs on, and changes bodies of HTML and JSON as told. */
export async function startFaultServer(target: Source): Promise<FaultServer> {
  let fault: Fault = (body) => body;

  async function pass(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = request.url ?? '/';
    const answer = await fetch(new URL(path, target.baseUrl), {
      headers: target.headers,
      redirect: 'manual',
      signal: AbortSignal.timeout(UPSTREAM_TIMEOUT_MS),
    });
    const type = answer.headers.get('content-type') ?? '';
    const isText = /html|json/.test(type);
    const body = isText ? fault(await answer.text(), path) : Buffer.from(await answer.arrayBuffer());
    for (const name of PASSED_HEADERS) {
      const value = answer.headers.get(name);
      if (value !== null) response.setHeader(name, value);
    }
    response.writeHead(answer.status).end(body);
  }

  const server = createServer((request, response) => {
    pass(request, response).catch((cause: unknown) => {
      response.writeHead(502).end(String(cause));
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    plant: (next) => (fault = next),
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

import { once } from 'node:events';
import { get, type ClientRequest, type IncomingMessage, type ServerResponse } from 'node:http';
import { connect, type Socket } from 'node:net';
import { afterEach, describe, expect, test } from '@jest/globals';
import { ask, eventually, Opened, startProxy, startUpstream, type Upstream } from '../testing/fixtures.ts';

const opened = new Opened();
afterEach(() => opened.close());

/** A monolith that begins each answer and holds it, but for `/quick`. */
async function startHolding(): Promise<{ monolith: Upstream; held: ServerResponse[] }> {
  const held: ServerResponse[] = [];
  const monolith = await startUpstream(opened, (request, response) => {
    if (request.url === '/quick') {
      response.end('quick');
      return;
    }
    response.writeHead(200, { 'content-type': 'text/event-stream' }).flushHeaders();
    held.push(response);
  });
  return { monolith, held };
}

/** Opens event streams from one address; returns once each has been answered. */
async function hold(url: string, count: number, from: string, headers = {}): Promise<ClientRequest[]> {
  const requests = Array.from({ length: count }, () =>
    get(`${url}/events`, { agent: false, localAddress: from, headers }),
  );
  for (const request of requests) {
    request.on('error', () => undefined); // this test destroys it
    opened.add(() => {
      request.destroy();
      return undefined;
    });
  }
  await Promise.all(requests.map((request) => once(request, 'response')));
  return requests;
}

async function statusFrom(url: string, from: string, headers = {}): Promise<number | undefined> {
  const request = get(`${url}/quick`, { agent: false, localAddress: from, headers });
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  response.resume();
  return response.statusCode;
}

describe('of one client address', () => {
  test('so many requests may be under way and no more; others are served meanwhile', async () => {
    const { monolith, held } = await startHolding();
    const { url, adminUrl } = await startProxy(opened, { monolithUrl: monolith.url, clientMaxRequests: 5 });
    const streams = await hold(url, 5, '127.0.0.1');
    expect(await statusFrom(url, '127.0.0.1')).toBe(429);
    expect(await statusFrom(url, '127.0.0.2')).toBe(200);
    expect((await ask(`${adminUrl}/metrics`)).text).toContain('banyan_proxy_client_limit_refusals_total 1');
    const answer = await ask(`${url}/quick`);
    expect([answer.status, answer.headers['retry-after']]).toEqual([429, '1']);
    streams[0]?.destroy(); // one leaves
    held[1]?.end(); // one ends
    await eventually('there is room again', async () => (await statusFrom(url, '127.0.0.1')) === 200);
  });

  test('which a trusted proxy in front names, and nobody else', async () => {
    const { monolith } = await startHolding();
    const trustedProxies = ['127.0.0.1'];
    const { url } = await startProxy(opened, {
      monolithUrl: monolith.url,
      clientMaxRequests: 3,
      trustedProxies,
    });
    const of = (client: string): Record<string, string> => ({ 'x-forwarded-for': client });
    await hold(url, 3, '127.0.0.1', of('10.0.0.1'));
    expect(await statusFrom(url, '127.0.0.1', of('10.0.0.1'))).toBe(429);
    // What the client put in front of his own address is not believed.
    expect(await statusFrom(url, '127.0.0.1', of('10.9.9.9, 10.0.0.1'))).toBe(429);
    expect(await statusFrom(url, '127.0.0.1', of('10.0.0.2'))).toBe(200);
    await hold(url, 3, '127.0.0.2', of('10.0.0.2'));
    expect(await statusFrom(url, '127.0.0.2', of('10.0.0.3'))).toBe(429);
  });

  test('of which one /64 of IPv6 is one', async () => {
    const { monolith } = await startHolding();
    const options = { monolithUrl: monolith.url, clientMaxRequests: 2, trustedProxies: ['127.0.0.1'] };
    const { url } = await startProxy(opened, options);
    const of = (client: string): Record<string, string> => ({ 'x-forwarded-for': client });
    await hold(url, 1, '127.0.0.1', of('2001:db8::1'));
    await hold(url, 1, '127.0.0.1', of('2001:db8:0:0:ffff::2'));
    expect(await statusFrom(url, '127.0.0.1', of('2001:db8::3'))).toBe(429);
    expect(await statusFrom(url, '127.0.0.1', of('2001:db8:0:1::1'))).toBe(200);
  });

  test('so many connections may be open', async () => {
    const { monolith } = await startHolding();
    const { url } = await startProxy(opened, { monolithUrl: monolith.url, clientMaxConnections: 4 });
    const open = async (): Promise<Socket> => {
      const socket = connect(Number(new URL(url).port), '127.0.0.1');
      opened.add(() => {
        socket.destroy();
        return undefined;
      });
      await once(socket, 'connect');
      return socket;
    };
    const idle = await Promise.all([open(), open(), open(), open()]);
    await expect(ask(`${url}/quick`)).rejects.toMatchObject({ code: 'ECONNRESET' });
    expect(await statusFrom(url, '127.0.0.2')).toBe(200);
    idle[0].destroy();
    await eventually('there is room again', () => ask(`${url}/quick`).then(({ status }) => status === 200, () => false)); // prettier-ignore
  });
});

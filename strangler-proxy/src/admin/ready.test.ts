import { afterEach, expect, test } from '@jest/globals';
import { startBlackHole } from '../testing/black-hole.ts';
import { ask, eventually, freePortUrl, Opened, startProxy, startUpstream } from '../testing/fixtures.ts';
import { HttpDataPlane } from '../forward/http-data-plane.ts';
import type { DataPlane } from '../forward/data-plane.ts';
import type { Proxy } from '../create-proxy.ts';

const opened = new Opened();
afterEach(() => opened.close());

async function readiness({ adminUrl }: Proxy): Promise<unknown[]> {
  const { status, text } = await ask(`${adminUrl}/readyz`);
  const { status: word, monolith } = JSON.parse(text) as Record<string, unknown>;
  return [status, word, monolith];
}

test('/readyz asks the monolith through the proxy, whatever it answers, and counts nothing', async () => {
  const monolith = await startUpstream(opened, (_request, response) => response.writeHead(404).end());
  const proxy = await startProxy(opened, { monolithUrl: monolith.url });
  expect(await readiness(proxy)).toEqual([200, 'ready', 'answers']);
  expect(monolith.requests.map(({ method, url }) => `${method} ${url}`)).toEqual(['HEAD /healthz']);
  expect(proxy.report()).toMatchObject({ requests: 0, clientErrors: 0 });
  await Promise.all(Array.from({ length: 20 }, () => readiness(proxy)));
  expect(monolith.requests.length).toBeLessThan(20); // asked once a second
});

test.each([
  ['refuses', freePortUrl],
  ['has gone dark', () => startBlackHole(opened)],
])(
  'a monolith that %s is said, but takes no proxy out: another one would do no better',
  async (_how, find) => {
    const proxy = await startProxy(opened, { monolithUrl: await find(), readyDeadlineMs: 300 });
    expect(await readiness(proxy)).toEqual([200, 'ready', 'unreachable']);
    expect(proxy.report()).toMatchObject({ requests: 0, clientErrors: 0 });
  },
);

test('a monolith that hangs is said as well', async () => {
  const monolith = await startUpstream(opened, () => undefined);
  const proxy = await startProxy(opened, { monolithUrl: monolith.url, readyDeadlineMs: 300 });
  expect(await readiness(proxy)).toEqual([200, 'ready', 'unreachable']);
});

test('a proxy that lets nothing through, while the monolith answers, is not ready', async () => {
  const monolith = await startUpstream(opened, (_request, response) => response.end('ok'));
  const sound = new HttpDataPlane({ pseudonym: 'x' });
  let isWedged = false;
  const dataPlane: DataPlane = {
    close: () => sound.close(),
    forward: (...args) => (isWedged ? new Promise(() => undefined) : sound.forward(...args)),
  };
  const proxy = await startProxy(opened, { monolithUrl: monolith.url, dataPlane, readyDeadlineMs: 300 });
  expect(await readiness(proxy)).toEqual([200, 'ready', 'answers']);
  isWedged = true;
  await eventually('it shows', async () => (await readiness(proxy))[0] === 503);
  expect(await readiness(proxy)).toEqual([503, 'wedged', 'answers']);
  isWedged = false;
  await eventually('it is over', async () => (await readiness(proxy))[0] === 200);
});

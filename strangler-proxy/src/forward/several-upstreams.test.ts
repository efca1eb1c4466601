import { afterEach, expect, test } from '@jest/globals';
import type { Proxy } from '../create-proxy.ts';
import {
  ask,
  eventually,
  freePortUrl,
  Opened,
  SHOP_SESSION,
  sliceOf,
  snapshotOf,
  startProxy,
  startUpstream,
  VISITOR,
  type Upstream,
} from '../testing/fixtures.ts';

const opened = new Opened();
afterEach(() => opened.close());

/** A server that says its name. */
const startNamed = (name: string): Promise<Upstream> =>
  startUpstream(opened, (request, response) => {
    request.resume().once('end', () => response.end(name));
  });

/** A proxy before several servers of both sides. */
async function startBefore(sides: { monolith: string[]; service: string[] }): Promise<Proxy> {
  const [monolithUrl = ''] = sides.monolith;
  const proxy = await startProxy(opened, { monolithUrl, connectTimeoutMs: 500 });
  const slice = sliceOf('', { upstreams: sides.service, monolithIsFresh: false });
  const verdict = proxy.applySnapshot({
    ...snapshotOf(1, monolithUrl, [slice]),
    monolithUpstreams: sides.monolith,
  });
  expect(verdict.kind).toBe('applied');
  return proxy;
}

async function answersTo(
  url: string,
  { times, method = 'GET', body }: { times: number; method?: string; body?: string },
): Promise<string[]> {
  const texts: string[] = [];
  for (let i = 0; i < times; i++) {
    const options = { method, headers: { cookie: VISITOR }, ...(body !== undefined && { body }) };
    const { status, text } = await ask(url, options);
    texts.push(status === 200 ? text : String(status));
  }
  return texts;
}

test('the servers of a slice, and those of the monolith, take turns', async () => {
  const [a, b, m, n] = await Promise.all(['a', 'b', 'm', 'n'].map(startNamed));
  const proxy = await startBefore({
    monolith: [m?.url ?? '', n?.url ?? ''],
    service: [a?.url ?? '', b?.url ?? ''],
  });
  expect(await answersTo(`${proxy.url}/cart`, { times: 4 })).toEqual(['a', 'b', 'a', 'b']);
  expect(await answersTo(`${proxy.url}/`, { times: 4 })).toEqual(['m', 'n', 'm', 'n']);
  expect(await answersTo(`${proxy.url}/cart`, { times: 2, method: 'POST', body: 'x' })).toEqual(['m', 'n']);
});

test('a dead one is passed over: for reads, and for writes with a body, which reach one server once', async () => {
  const dead = await freePortUrl();
  const alive = await startNamed('alive');
  const proxy = await startBefore({ monolith: [dead, alive.url], service: [dead, alive.url] });
  const all = Array<string>(6).fill('alive');
  expect(await answersTo(`${proxy.url}/cart`, { times: 6 })).toEqual(all);
  expect(await answersTo(`${proxy.url}/cart`, { times: 6, method: 'POST', body: 'x' })).toEqual(all);
  expect(alive.requests).toHaveLength(12);
  const { slices } = proxy.report();
  expect(slices[0]).toMatchObject({ breaker: 'closed', service: { requests: 6, errors: 0 } });
});

test('with all of them dead it is as with one', async () => {
  const monolith = await startNamed('monolith');
  const proxy = await startBefore({
    monolith: [monolith.url],
    service: [await freePortUrl(), await freePortUrl()],
  });
  expect(await answersTo(`${proxy.url}/cart`, { times: 1 })).toEqual(['502']);
  expect(proxy.report().slices[0]).toMatchObject({ service: { requests: 1, errors: 1 } });
});

test('one that is full is passed over, until all are', async () => {
  const held: (() => void)[] = [];
  const servers = await Promise.all(
    ['a', 'b'].map((name) =>
      startUpstream(opened, (_request, response) => held.push(() => response.end(name))),
    ),
  );
  const proxy = await startProxy(opened, { monolithUrl: servers[0]?.url ?? '', upstreamMaxOutstanding: 1 });
  const monolithUpstreams = servers.map(({ url }) => url);
  proxy.applySnapshot({ ...snapshotOf(1, monolithUpstreams[0] ?? '', []), monolithUpstreams });
  const asked = [1, 2, 3].map(() => ask(`${proxy.url}/`));
  const shed = await Promise.race(asked);
  expect([shed.status, shed.headers['retry-after']]).toEqual([503, '1']);
  await eventually('both have one', () => held.length === 2);
  for (const release of held) release();
  const texts = (await Promise.all(asked)).filter(({ status }) => status === 200).map(({ text }) => text);
  expect(texts.sort()).toEqual(['a', 'b']);
});

test('who is signed in is asked of the server that answers', async () => {
  const alive = await startUpstream(opened, (request, response) => {
    const customer = { id: '7', displayName: 'Ada' };
    response.end(request.url === '/api/session' ? JSON.stringify({ customer }) : 'monolith');
  });
  const service = await startUpstream(opened, (request, response) =>
    response.end(request.headers['banyan-identity'] === undefined ? 'a stranger' : 'a customer'),
  );
  const proxy = await startBefore({ monolith: [await freePortUrl(), alive.url], service: [service.url] });
  if (!('cookie' in SHOP_SESSION)) throw new Error('the session of the tests is a cookie');
  for (const value of ['s1', 's2']) {
    const headers = { cookie: `${SHOP_SESSION.cookie}=${value}; ${VISITOR}` };
    expect((await ask(`${proxy.url}/cart`, { headers })).text).toBe('a customer');
  }
});

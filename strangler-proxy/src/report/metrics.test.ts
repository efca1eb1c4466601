import { afterEach, expect, test } from '@jest/globals';
import { metricFaults } from '@banyan/kit/testing';
import { ask, Opened, sliceOf, snapshotOf, startProxy, startUpstream, VISITOR } from '../testing/fixtures.ts';

const opened = new Opened();
afterEach(() => opened.close());

const visitor = { cookie: VISITOR };

async function startShop() {
  const answers = () =>
    startUpstream(opened, (_request, response) => {
      response.end('answered');
    });
  const [monolith, service] = [await answers(), await answers()];
  const proxy = await startProxy(opened, { monolithUrl: monolith.url, withProcessMetrics: true });
  proxy.applySnapshot(snapshotOf(1, monolith.url, [sliceOf(service.url)]));
  const metrics = async (): Promise<string> => (await ask(`${proxy.adminUrl}/metrics`)).text;
  return { proxy, metrics };
}

test('every metric is named by the rules, with one unit for one thing', async () => {
  const { proxy, metrics } = await startShop();
  await ask(`${proxy.url}/products/teapot/reviews`, { headers: visitor });
  const text = await metrics();
  expect(metricFaults(text, ['banyan_proxy_'])).toEqual([]);
  expect(text).toMatch(
    /banyan_proxy_upstream_response_seconds\{slice="reviews",target="service",quantile="0\.5"\}/,
  );
});

test('their number does not grow with what visitors ask for', async () => {
  const { proxy, metrics } = await startShop();
  const series = async (): Promise<number> => (await metrics()).match(/^banyan_/gm)?.length ?? 0;
  const askAll = async (name: string): Promise<void> => {
    for (const method of ['GET', 'POST', 'PROPFIND'])
      for (const path of [`/products/${name}/reviews`, `/${name}?q=${name}`])
        await ask(proxy.url + path, { method, headers: { ...visitor, 'x-api-key': name } });
  };
  await askAll('one');
  const first = await series();
  for (const name of ['two', 'three', 'four']) await askAll(name);
  expect(first).toBeGreaterThan(10);
  expect(await series()).toBe(first);
});

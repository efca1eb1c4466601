import { createServer, type IncomingMessage, type Server } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { openTesterWindow, type TesterWindow, type WindowedSite } from './window.ts';

let shop: Server;
let asked: IncomingMessage[];
let bodies: string[];
let running: WindowedSite | null;
let window: TesterWindow;

/** A proxy that says who answered, as ours does for a tester, and a shop behind it. */
beforeEach(async () => {
  asked = [];
  bodies = [];
  shop = createServer((incoming, outgoing) => {
    asked.push(incoming);
    void incoming.toArray().then((chunks) => bodies.push(Buffer.concat(chunks as Buffer[]).toString()));
    if (incoming.url === '/cut') return void incoming.socket.destroy();
    if (incoming.url === '/picture')
      return void outgoing.writeHead(200, { 'content-type': 'image/png' }).end('png');
    const override = incoming.headers['banyan-override']?.toString() ?? '';
    outgoing.setHeader('banyan-served-by', override.includes('service') ? 'service' : 'monolith');
    outgoing.setHeader('set-cookie', ['a=1', 'b=2']);
    outgoing.writeHead(200, { 'content-type': 'text/html; charset=utf-8', etag: '"1"' });
    outgoing.end('<html><body><h1>Désk</h1></body></html>');
  }).listen(0, '127.0.0.1');
  await once(shop, 'listening');
  const url = `http://127.0.0.1:${(shop.address() as AddressInfo).port}`;
  running = { url, overrideToken: 'secret', slices: ['reviews', 'cart'] };
  window = await openTesterWindow({ site: () => running });
});

afterEach(async () => {
  await window.close();
  shop.closeAllConnections();
  shop.close();
});

test('a page says who answered, and is the page that the shop gave otherwise', async () => {
  const answer = await fetch(`${window.url}/products/a?x=1`, { headers: { 'if-none-match': '"1"' } });
  const html = await answer.text();
  expect(html).toMatch(/^<html><body><h1>Désk<\/h1><link .*<b>Answered by: monolith<\/b>.*<\/body><\/html>$/);
  expect(answer.headers.getSetCookie()).toEqual(['a=1', 'b=2']);
  expect(answer.headers.get('cache-control')).toBe('no-store');
  const { url, headers } = asked[0] ?? { url: '', headers: {} };
  expect(url).toBe('/products/a?x=1');
  expect(headers).toMatchObject({
    'banyan-override-token': 'secret',
    host: new URL(running?.url ?? '').host,
  });
  // Or the browser would show the page with the badge of another time.
  expect(headers['if-none-match']).toBeUndefined();
});

test('a side can be asked for, and left again', async () => {
  const chosen = await fetch(`${window.url}/.banyan/ask?side=service&back=%2Fproducts%2Fa`, {
    redirect: 'manual',
  });
  expect([chosen.status, chosen.headers.get('location')]).toEqual([303, '/products/a']);
  const cookie = chosen.headers.get('set-cookie')?.split(';')[0] ?? '';
  expect(await (await fetch(`${window.url}/x`, { headers: { cookie } })).text()).toContain(
    'Answered by: service',
  );
  expect(asked[0]?.headers['banyan-override']).toBe('reviews=service,cart=service');
  const left = await fetch(`${window.url}/.banyan/ask?side=mine&back=%2F`, { redirect: 'manual' });
  expect(left.headers.get('set-cookie')).toMatch(/banyan-window-side=; Max-Age=0/);
});

test.each(['//evil.example', '/\\evil.example', 'https://evil.example', 'x'])(
  'the way back never leads to another host: %s',
  async (back) => {
    const url = `${window.url}/.banyan/ask?side=service&back=${encodeURIComponent(back)}`;
    expect((await fetch(url, { redirect: 'manual' })).headers.get('location')).toBe('/');
  },
);

test('a form comes to the shop as if its own page had sent it', async () => {
  await fetch(`${window.url}/cart/items`, {
    method: 'POST',
    headers: { origin: window.url, referer: `${window.url}/products/a` },
    body: 'slug=a',
  });
  const shopUrl = running?.url ?? '';
  expect(asked[0]?.headers).toMatchObject({ origin: shopUrl, referer: `${shopUrl}/products/a` });
  expect(bodies).toEqual(['slug=a']);
  await fetch(`${window.url}/cart/items`, { method: 'POST', headers: { origin: 'http://evil.example' } });
  expect(asked[1]?.headers.origin).toBe('http://evil.example');
});

test('what is no page passes untouched; a shop that fails or is away is said to be', async () => {
  expect(await (await fetch(`${window.url}/picture`)).text()).toBe('png');
  expect((await fetch(`${window.url}/cut`)).status).toBe(502);
  running = null;
  expect((await fetch(`${window.url}/`)).status).toBe(503);
});

import { afterEach, expect, test } from '@jest/globals';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { startCustomers, type RunningCustomers } from './run-customers.ts';
import type { Totals } from './tally.ts';

/** How this shop misbehaves. */
interface Faults {
  /** Answers nothing at all to these paths. */
  readonly silent?: RegExp;
  /** Answers 502 to these paths. */
  readonly broken?: RegExp;
  /** Takes reviews, but its lists never show them. */
  readonly forgetful?: boolean;
  /** Says that everything is sold out. */
  readonly soldOut?: boolean;
}

/** Each has one request under way at most. */
const CUSTOMERS = 3;

const open: { close(): Promise<unknown> }[] = [];
afterEach(async () => {
  for (const it of open.splice(0)) await it.close();
});

async function readForm(request: IncomingMessage): Promise<URLSearchParams> {
  const chunks = await request.toArray();
  return new URLSearchParams(Buffer.concat(chunks as Buffer[]).toString());
}

function createShop(faults: Faults) {
  const bodies: string[] = [];
  const links = '<a href="/categories/tables">T</a><a href="/products/a">A</a><a href="/products/b">B</a>';
  return async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const path = request.url ?? '/';
    if (faults.silent?.test(path)) return;
    if (faults.broken?.test(path)) return void response.writeHead(502).end();
    if (request.method === 'GET') {
      const own = faults.forgetful ? '' : bodies.map((body) => `<p>${body}</p>`).join('');
      const html = path.startsWith('/api/') ? JSON.stringify(bodies) : links + own;
      const body = path.startsWith('/api/') && faults.forgetful ? '[]' : html;
      return void response.writeHead(200, { 'set-cookie': 'csrf=token; Path=/' }).end(body);
    }
    const form = await readForm(request);
    const forged = form.get('_csrf') !== 'token' || !request.headers.cookie?.includes('csrf=token');
    if (forged) return void response.writeHead(403).end();
    if (path === '/checkout' && faults.soldOut) return void response.writeHead(409).end();
    const review = form.get('body');
    if (review) bodies.push(review);
    response.writeHead(303, { location: '/' }).end();
  };
}

async function listen(server: Server): Promise<string> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  open.push({
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

async function visitShop(faults: Faults, options = {}): Promise<RunningCustomers> {
  const shop = createShop(faults);
  const url = await listen(createServer((request, response) => void shop(request, response)));
  const habits = { entering: 1, buying: 1, reviewing: 1 };
  const customers = startCustomers({ url, customers: CUSTOMERS, pauseMs: 1, habits, ...options });
  open.unshift(customers);
  return customers;
}

async function until(customers: RunningCustomers, reached: (totals: Totals) => boolean): Promise<Totals> {
  const deadlineMs = performance.now() + 60_000;
  while (!reached(customers.totals())) {
    if (performance.now() > deadlineMs) throw new Error(`never: ${JSON.stringify(customers.totals())}`);
    await sleep(5);
  }
  return customers.totals();
}

test('a shop that works is visited without an error or a stale read', async () => {
  const customers = await visitShop({});
  const totals = await until(customers, (so) => so.reviewsWritten >= 10 && so.ordersPlaced >= 10);
  expect(totals).toMatchObject({ errors: 0, staleReads: 0, recentFailures: [] });
  expect(totals.byKind['own-review']?.requests).toBeGreaterThan(0);
  expect(totals.byKind['api-own-review']?.requests).toBeGreaterThan(0);
});

test('a list that does not show what was just written is counted as a stale read, not as an error', async () => {
  const customers = await visitShop({ forgetful: true });
  const totals = await until(customers, (so) => so.staleReads >= 6);
  expect(totals.errors).toBe(0);
  expect(totals.byKind['own-review']?.staleReads).toBeGreaterThan(0);
  expect(totals.byKind['api-own-review']?.staleReads).toBeGreaterThan(0);
  expect(totals.recentFailures[0]).toMatch(/own-review: stale: .*reviews does not show ".*"/);
});

test('answers of 5xx are counted as errors of their kind, and the customers go on', async () => {
  const customers = await visitShop({ broken: /^\/products\/[ab]\/reviews/ });
  const totals = await until(customers, (so) => (so.byKind['write-review']?.errors ?? 0) >= 3);
  // A request counts when it begins and its error when it ends: one may be under way.
  const { requests = 0, errors = 0 } = totals.byKind['reviews'] ?? {};
  expect(errors).toBeGreaterThan(0);
  expect(requests - errors).toBeLessThanOrEqual(CUSTOMERS);
  expect(totals.byKind['product']).toMatchObject({ errors: 0 });
  expect(totals.staleReads).toBe(0);
  expect(totals.recentFailures.join()).toContain('status 502');
});

test('a request without an answer is an error once its deadline has passed', async () => {
  const customers = await visitShop({ silent: /^\/cart$/ }, { deadlineMs: 40 });
  const totals = await until(customers, (so) => (so.byKind['cart']?.errors ?? 0) >= 2);
  expect(totals.recentFailures.join()).toMatch(/cart: .*timeout/i);
});

test('a refused connection is an error', async () => {
  const customers = startCustomers({ url: 'http://127.0.0.1:9', customers: 1, pauseMs: 1 });
  open.push(customers);
  await until(customers, (so) => (so.byKind['home']?.errors ?? 0) >= 2);
});

test('being sold out is a refusal and not an error', async () => {
  const customers = await visitShop({ soldOut: true });
  const totals = await until(customers, (so) => so.refusals >= 3);
  expect(totals).toMatchObject({ errors: 0, ordersPlaced: 0 });
});

test('closing breaks off requests under way without counting them as errors, and can be asked twice', async () => {
  const customers = await visitShop({ silent: /./ });
  await until(customers, (so) => so.requests === 3);
  await Promise.all([customers.close(), customers.close()]);
  expect(customers.totals()).toMatchObject({ requests: 3, errors: 0 });
});

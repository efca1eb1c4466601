import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createRandom, mutate, sendBytes } from './request-fuzzer.ts';
import { readLastRunState, type ProcessState, type RunState } from '../supervise/run-state.ts';
import { Stack, until } from './stack.ts';

/** Mutated requests, shared by the listeners. */
const ALL_REQUESTS = Number(process.env['FUZZ_REQUESTS'] ?? 2_000);
const SEED = Number(process.env['FUZZ_SEED'] ?? 1);
const AT_ONCE = 16;

const stack = new Stack();
beforeAll(async () => {
  await stack.up();
}, 180_000);
afterAll(() => stack.close(), 60_000);

/** What the supervisor wrote, whoever answers meanwhile. */
function runState(): RunState {
  const run = readLastRunState(stack.home);
  if (!run) throw new Error('nothing was started');
  return run;
}

function processOf(name: string): ProcessState {
  const found = runState().processes.find((process) => process.name === name);
  if (!found) throw new Error(`no process ${name}`);
  return found;
}

const get = (path: string, headers = ''): string =>
  `GET ${path} HTTP/1.1\r\nHost: shop.example\r\n${headers}\r\n`;
const post = (path: string, body: string, headers = ''): string =>
  `POST ${path} HTTP/1.1\r\nHost: shop.example\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n${headers}\r\n${body}`;
const UPGRADE =
  'Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: x\r\n';

interface Listener {
  readonly name: string;
  readonly process: string;
  readonly url: () => string;
  /** A request that is answered with 200 before and after. */
  readonly good: string;
  readonly requests: () => readonly string[];
}

const bearer = (file: string): string => `Authorization: Bearer ${stack.secret(file)}\r\n`;
const listeners: readonly Listener[] = [
  {
    name: "the proxy's public",
    process: 'proxy',
    good: '/',
    url: () => runState().publicUrl,
    requests: () => [
      get('/', 'Cookie: banyan_visitor=x; shop.sid=s%3Ax.y; banyan_pin=a.b\r\nConnection: close\r\n'),
      get(
        '/products/oak-desk/reviews?sort=newest',
        `Banyan-Override-Token: ${stack.secret('override.token')}\r\nBanyan-Override: reviews=service\r\n`,
      ),
      get('/products/oak-desk/reviews', UPGRADE),
      post('/cart', '{"a":1}', 'Expect: 100-continue\r\n'),
      'POST /cart HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n',
    ],
  },
  {
    name: "the proxy's admin",
    process: 'proxy',
    good: '/healthz',
    url: () => runState().proxyAdminUrl,
    requests: () => [
      get('/readyz'),
      get('/metrics'),
      get('/explain?method=GET&path=/products/oak-desk/reviews&user=1', bearer('peer.token')),
      get('/report', bearer('peer.token')),
    ],
  },
  {
    name: "control's",
    process: 'control',
    good: '/healthz',
    url: () => runState().controlUrl,
    requests: () => [
      get('/v1/status', bearer('admin.token')),
      get('/v1/journal?limit=10&slice=reviews', bearer('admin.token')),
      get('/v1/explain?path=/products/oak-desk/reviews', bearer('admin.token')),
      get('/v1/routes/stream?proxy=p', bearer('peer.token')),
      post('/v1/caught-up', '{"slices":["reviews"],"timeoutMs":1}', bearer('peer.token')),
      post('/v1/proxies/report', '{"proxyId":"p","slices":[]}', bearer('peer.token')),
    ],
  },
  {
    name: "the service's",
    process: 'reviews',
    good: '/healthz',
    url: () => processOf('reviews').url ?? '',
    requests: () => [
      get('/products/oak-desk/reviews?page=2&sort=newest', 'Banyan-Identity: a.b.c\r\nAccept: text/html\r\n'),
      get('/api/products/oak-desk/reviews', 'If-None-Match: "x"\r\n'),
      get('/metrics'),
      post('/products/oak-desk/reviews', '{"rating":5}'),
    ],
  },
];
const REQUESTS = Math.ceil(ALL_REQUESTS / listeners.length);

describe.each(listeners)('$name listener', ({ process: name, url, good, requests }) => {
  test(`answers after ${REQUESTS} mutated requests (seed ${SEED}), and nothing has ended`, async () => {
    const before = processOf(name);
    const base = url();
    const port = Number(new URL(base).port);
    const random = createRandom(SEED);
    const seeds = requests();
    let left = REQUESTS;
    const sendAll = async (): Promise<void> => {
      while (left-- > 0) await sendBytes(port, mutate(seeds, random));
    };
    await Promise.all(Array.from({ length: AT_ONCE }, sendAll));
    expect((await fetch(base + good)).status).toBe(200);
    expect(processOf(name)).toMatchObject({
      pid: before.pid,
      restarts: before.restarts,
      state: 'ready',
    });
  }, 900_000);
});

const PARTS = ['proxy', 'control', 'reviews', 'reader'];
const NEIGHBOURS = [...PARTS, 'monolith', 'postgres'];

/** Told to stop, and seen to have ended by itself: `runProcess` ends with 1 what does not stop in its time. */
async function stopsInOrder(name: string): Promise<void> {
  const { pid, restarts } = processOf(name);
  process.kill(pid ?? 0, 'SIGTERM');
  await until(`${name} has ended`, () => processOf(name).restarts > restarts, 30_000);
  expect([name, processOf(name).lastExit]).toEqual([name, 'exit code 0']);
}

async function allAreReady(): Promise<void> {
  await until(
    'all are ready',
    async () =>
      (await stack.status()).run.processes.every(({ state }) => state === 'ready' || state === 'silent'),
    60_000,
  );
}

describe.each(PARTS)('%s, told to stop,', (name) => {
  test('ends in order while every neighbour hangs', async () => {
    await allAreReady();
    const others = NEIGHBOURS.filter((other) => other !== name).map(processOf);
    const pids = others.flatMap(({ pid }) => (pid === null ? [] : [pid]));
    for (const pid of pids) process.kill(pid, 'SIGSTOP');
    try {
      await stopsInOrder(name);
    } finally {
      for (const pid of pids) process.kill(pid, 'SIGCONT');
    }
  }, 180_000);

  test.each(NEIGHBOURS.filter((other) => other !== name))(
    'ends in order while %s goes away',
    async (other) => {
      await allAreReady();
      // PostgreSQL in a way of its own, after which it can start again at once.
      process.kill(processOf(other).pid ?? 0, other === 'postgres' ? 'SIGINT' : 'SIGKILL');
      await stopsInOrder(name);
    },
    180_000,
  );
});

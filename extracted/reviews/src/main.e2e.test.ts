import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { openSqliteBus } from '@banyan/cdc/consumer';
import { changeOf, customer, product, review } from './testing/feed.ts';
import { eventually, makeTestSettings } from './testing/settings.ts';

const MAIN = fileURLToPath(new URL('main.ts', import.meta.url));

let settings: Awaited<ReturnType<typeof makeTestSettings>>;
const children: ChildProcess[] = [];

beforeEach(async () => {
  settings = await makeTestSettings();
});
afterEach(async () => {
  for (const child of children.splice(0)) await stop(child, 'SIGKILL');
  await settings.remove();
});

function run(env: NodeJS.ProcessEnv): ChildProcess {
  const child = spawn(process.execPath, [MAIN], {
    env: { PATH: process.env['PATH'], ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  children.push(child);
  return child;
}

async function stop(child: ChildProcess, signal: NodeJS.Signals): Promise<number | null> {
  if (child.exitCode !== null || child.signalCode !== null) return child.exitCode;
  const exit = once(child, 'exit') as Promise<[number | null]>;
  child.kill(signal);
  return (await exit)[0];
}

const environment = () => ({
  PORT: '0',
  STORE_FILE: settings.storeFile,
  BUS_FILE: settings.busFile,
  PEER_TOKEN: settings.peerToken,
  IDENTITY_PUBLIC_KEY: settings.identityPublicKey,
});

/** Starts the service and waits for the line that tells its port. */
async function start(): Promise<{ child: ChildProcess; url: string }> {
  const child = run(environment());
  if (!child.stdout) throw new Error('no standard output');
  for await (const line of createInterface({ input: child.stdout })) {
    const entry = JSON.parse(line) as { port?: number };
    if (entry.port !== undefined) {
      child.stdout.resume(); // a full pipe would stop it
      return { child, url: `http://127.0.0.1:${entry.port}` };
    }
  }
  throw new Error('The service did not start.');
}

const asked = async (url: string) => {
  const ratings = (await (await fetch(`${url}/v1/products/oak-stool/ratings`)).json()) as { count?: number };
  const list = (await (await fetch(`${url}/v1/products/oak-stool/reviews?perPage=100`)).json()) as {
    reviews?: { id: string }[];
  };
  return { count: ratings.count ?? 0, listed: list.reviews?.length ?? 0 };
};

test('killed with kill -9 again and again it loses and doubles nothing, and serves as soon as it is up', async () => {
  const bus = await openSqliteBus({ file: settings.busFile });
  try {
    await bus.append([
      changeOf('public.products', 'r', product(1, 'oak-stool')),
      changeOf('public.customers', 'r', customer(1, 'Ada')),
    ]);
    for (let round = 0; round < 4; round += 1) {
      const { child, url } = await start();
      for (let n = 1; n <= 20; n += 1) {
        await bus.append([changeOf('public.reviews', 'c', review(round * 20 + n))]);
      }
      // Somewhere in the middle of it.
      await eventually(
        () => asked(url),
        ({ count }) => count > round * 20,
      );
      await stop(child, 'SIGKILL');
    }
    const { child, url } = await start();
    expect(
      await eventually(
        () => asked(url),
        ({ count }) => count === 80,
      ),
    ).toEqual({ count: 80, listed: 80 });
    expect(await stop(child, 'SIGTERM')).toBe(0);
  } finally {
    await bus.close();
  }
});

test('with wrong settings it does not start, and names all of them', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'reviews-'));
  const tokenFile = join(folder, 'token');
  await writeFile(tokenFile, 'short\n', { mode: 0o600 });
  const child = run({
    PORT: '70000',
    PEER_TOKEN_FILE: tokenFile,
    IDENTITY_PUBLIC_KEY_FILE: join(folder, 'none'),
  });
  let said = '';
  child.stderr?.on('data', (chunk: Buffer) => (said += chunk.toString()));
  const [code] = (await once(child, 'close')) as [number];
  await rm(folder, { recursive: true, force: true });
  expect(code).toBe(1);
  for (const variable of ['PORT', 'STORE_FILE', 'BUS_FILE', 'PEER_TOKEN', 'IDENTITY_PUBLIC_KEY_FILE']) {
    expect(said).toContain(variable);
  }
  expect(said).not.toContain('short');
});

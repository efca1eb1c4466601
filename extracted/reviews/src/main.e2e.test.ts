import { afterEach, beforeEach, expect, test } from '@jest/globals';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openSqliteBus } from '@banyan/cdc/apply';
import { changeOf, customer, product, review } from './testing/feed.ts';
import { environmentOf, spawnService, stopService, urlOf } from './testing/service-process.ts';
import { eventually, makeTestSettings } from './testing/settings.ts';

let settings: Awaited<ReturnType<typeof makeTestSettings>>;
const children: ChildProcess[] = [];

beforeEach(async () => {
  settings = await makeTestSettings();
});
afterEach(async () => {
  for (const child of children.splice(0)) await stopService(child, 'SIGKILL');
  await settings.remove();
});

function run(env: NodeJS.ProcessEnv): ChildProcess {
  const child = spawnService(env);
  children.push(child);
  return child;
}

/** Starts the service and waits until it is up. */
async function start(): Promise<{ child: ChildProcess; url: string }> {
  const child = run(environmentOf(settings));
  return { child, url: await urlOf(child) };
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
      await stopService(child, 'SIGKILL');
    }
    const { child, url } = await start();
    expect(
      await eventually(
        () => asked(url),
        ({ count }) => count === 80,
      ),
    ).toEqual({ count: 80, listed: 80 });
    expect(await stopService(child, 'SIGTERM')).toBe(0);
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
  for (const variable of ['PORT', 'STORE_FILE', 'PEER_TOKEN', 'IDENTITY_PUBLIC_KEY_FILE']) {
    expect(said).toContain(variable);
  }
  expect(said).not.toContain('short');
});

test('without the bus of its stack it does not start, and says which setting is missing', async () => {
  const own = await makeTestSettings();
  const child = run({
    ...{ PORT: '0', STORE_FILE: own.storeFile },
    ...{ PEER_TOKEN: own.peerToken, IDENTITY_PUBLIC_KEY: own.identityPublicKey },
  });
  let said = '';
  child.stderr?.on('data', (chunk: Buffer) => (said += chunk.toString()));
  const [code] = (await once(child, 'close')) as [number];
  await own.remove();
  expect(code).toBe(1);
  expect(said).toMatch(/BUS_FILE .*: wanted with STACK=embedded; it is not set/);
});

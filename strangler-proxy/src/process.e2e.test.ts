import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import { startFakeControl } from './testing/fake-control.ts';
import {
  ask,
  eventually,
  freePortUrl,
  Opened,
  secrets,
  sliceOf,
  snapshotOf,
  startUpstream,
  VISITOR,
} from './testing/fixtures.ts';

const opened = new Opened();
let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'banyan-proxy-'));
});
afterEach(() => opened.close());
afterAll(() => rm(folder, { recursive: true }));

const portOf = (url: string): string => new URL(url).port;

/** Starts `main.ts` as a process of its own, and waits until it says that it is ready. */
async function startProcess(env: Record<string, string>): Promise<ChildProcess> {
  const child = spawn(process.execPath, [join(import.meta.dirname, 'main.ts')], {
    env: {
      PATH: process.env['PATH'],
      PEER_TOKEN: secrets.peerToken,
      PIN_SECRET: secrets.pinSecret,
      OVERRIDE_TOKEN: secrets.overrideToken,
      IDENTITY_PRIVATE_KEY: secrets.identityPrivateKey,
      LOG_LEVEL: 'error',
      ...env,
    },
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  opened.add(async () => {
    if (child.exitCode === null && child.signalCode === null) {
      child.kill('SIGKILL');
      await once(child, 'exit');
    }
  });
  const [message] = (await once(child, 'message')) as [unknown];
  expect(message).toEqual({ kind: 'ready' });
  return child;
}

/** Asks without a pause until stopped, and counts what came back. */
function startLoad(url: string): { readonly counts: Map<string, number>; stop: () => Promise<void> } {
  const counts = new Map<string, number>();
  let isOn = true;
  const one = async (): Promise<void> => {
    while (isOn) {
      const seen = await ask(url, { headers: { cookie: VISITOR } }).then(
        ({ status, text }) => `${status} ${text}`,
        () => 'no answer',
      );
      counts.set(seen, (counts.get(seen) ?? 0) + 1);
    }
  };
  const loops = Promise.all([one(), one(), one(), one()]);
  return {
    counts,
    async stop() {
      isOn = false;
      await loops;
    },
  };
}

test('killed with -9 under load and started again with control down, it serves by its file', async () => {
  const monolith = await startUpstream(opened, (_request, response) => response.end('monolith'));
  const service = await startUpstream(opened, (_request, response) => response.end('service'));
  const control = await startFakeControl(opened);
  const url = await freePortUrl();
  const adminUrl = await freePortUrl();
  const env = {
    PORT: portOf(url),
    ADMIN_PORT: portOf(adminUrl),
    CONTROL_URL: control.url,
    MONOLITH_URL: monolith.url,
    SNAPSHOT_FILE: join(folder, 'routes.json'),
  };
  control.send(snapshotOf(3, monolith.url, [sliceOf(service.url)]));
  const first = await startProcess(env);
  const load = startLoad(`${url}/cart`);
  await eventually('the service answers', () => (load.counts.get('200 service') ?? 0) > 20);

  await control.close();
  first.kill('SIGKILL');
  await once(first, 'exit');
  await eventually('clients notice', () => load.counts.has('no answer'));
  const second = await startProcess({ ...env, MONOLITH_URL: await freePortUrl() });
  const before = load.counts.get('200 service') ?? 0;
  await eventually('the service answers again', () => (load.counts.get('200 service') ?? 0) > before + 20);
  expect((await ask(`${url}/`)).text).toBe('monolith');
  expect(JSON.parse((await ask(`${adminUrl}/readyz`)).text)).toEqual({
    status: 'ready',
    snapshotVersion: 3,
    monolith: 'answers',
  });
  await load.stop();
  // Nobody ever got half an answer or an error page: before the first snapshot the monolith answers.
  expect(
    [...load.counts.keys()].filter((seen) => !/^(200 (service|monolith)|no answer)$/.test(seen)),
  ).toEqual([]);

  second.kill('SIGTERM');
  expect(await once(second, 'exit')).toEqual([0, null]);
}, 180_000);

test('a start with wrong settings names all of them and ends with 1', async () => {
  const child = spawn(process.execPath, [join(import.meta.dirname, 'main.ts')], {
    env: { PATH: process.env['PATH'], PORT: 'x', LOG_LEVEL: 'silent' },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let text = '';
  child.stderr.on('data', (chunk: Buffer) => (text += chunk.toString()));
  expect(await once(child, 'close')).toEqual([1, null]);
  for (const name of ['PORT', 'CONTROL_URL', 'MONOLITH_URL', 'PEER_TOKEN', 'PIN_SECRET', 'SNAPSHOT_FILE']) {
    expect(text).toContain(name);
  }
});

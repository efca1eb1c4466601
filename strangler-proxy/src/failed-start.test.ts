import { once } from 'node:events';
import { spawn } from 'node:child_process';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterEach, expect, test } from '@jest/globals';
import { createProxy } from './create-proxy.ts';
import { freePortUrl, Opened, secrets, startUpstream } from './testing/fixtures.ts';

const opened = new Opened();
afterEach(() => opened.close());

/** A port that somebody else has. */
async function takenPort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  opened.add(async () => {
    server.close();
    await once(server, 'close');
  });
  return (server.address() as AddressInfo).port;
}

test.each([
  ['the public', 'port', 'adminPort'],
  ['the admin', 'adminPort', 'port'],
] as const)('where %s port is taken, the other one is free again', async (_which, taken, other) => {
  const free = Number(new URL(await freePortUrl()).port);
  const ports = { [taken]: await takenPort(), [other]: free };
  const starting = createProxy({ ...secrets, monolithUpstreams: ['http://127.0.0.1:9'], ...ports });
  await expect(starting).rejects.toMatchObject({ code: 'EADDRINUSE' });
  const server = createServer().listen(free, '127.0.0.1');
  await once(server, 'listening'); // it would fail with EADDRINUSE
  server.close();
});

test('a process whose proxy could not start has nothing left that keeps it running', async () => {
  const control = await startUpstream(opened, (_request, response) => response.writeHead(200).flushHeaders());
  const options = {
    ...secrets,
    monolithUpstreams: ['http://127.0.0.1:9'],
    controlUrl: control.url,
    port: await takenPort(),
  };
  const script = `
    const { createProxy } = await import(${JSON.stringify(join(import.meta.dirname, 'index.ts'))});
    await createProxy(${JSON.stringify(options)}).catch(({ code }) => process.stdout.write(code));
  `;
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  opened.add(() => Promise.resolve(child.kill('SIGKILL')));
  let said = '';
  child.stdout.on('data', (chunk: Buffer) => (said += chunk.toString()));
  const [code] = (await once(child, 'close')) as [number];
  expect([code, said]).toEqual([0, 'EADDRINUSE']); // it ended by itself
  expect(control.requests).toHaveLength(0);
});

import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { fork, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';

const MAIN = fileURLToPath(new URL('main.ts', import.meta.url));

let server: Server;
let url = '';
beforeAll(async () => {
  server = createServer((request, response) => {
    if (request.method === 'POST') response.writeHead(303, { location: '/' });
    response.end('<a href="/products/a">A</a>');
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

const args = (...more: string[]) => ['--url', url, '--pause-ms', '5', ...more];

async function readLines(stream: Readable | null, onFirst?: () => void): Promise<string[]> {
  const lines: string[] = [];
  if (!stream) return lines;
  for await (const line of createInterface({ input: stream })) {
    lines.push(line);
    if (lines.length === 1) onFirst?.();
  }
  return lines;
}

test('prints one JSON line a second, and totals when told to stop', async () => {
  const child = spawn(process.execPath, [MAIN, ...args('--json-lines')], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const exit = once(child, 'exit');
  const lines = await readLines(child.stdout, () => child.kill('SIGTERM'));
  const events = lines.map((line): unknown => JSON.parse(line));
  expect(await exit).toEqual([0, null]);
  expect(events).toHaveLength(2);
  expect(events[0]).toMatchObject({ event: 'totals', errors: 0, staleReads: expect.any(Number) });
  expect(events[1]).toMatchObject({ event: 'end', errors: 0, staleReads: expect.any(Number) });
});

test('prints lines for people by default, and stops by itself after the duration', async () => {
  const child = spawn(process.execPath, [MAIN, ...args('--duration-s', '1')], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const exit = once(child, 'exit');
  const lines = await readLines(child.stdout);
  expect(await exit).toEqual([0, null]);
  expect(lines.at(-1)).toMatch(/^\d+ s: [\d,]+ requests · 0 errors · [\d,]+ stale reads · [\d,]+ visits/);
});

test('says that it is ready, and ends when the supervisor is gone', async () => {
  const child = fork(MAIN, args(), { silent: true, execArgv: [] });
  const exit = once(child, 'exit');
  expect((await once(child, 'message'))[0]).toEqual({ kind: 'ready' });
  child.disconnect();
  expect(await exit).toEqual([0, null]);
});

test('a wrong command line is refused with all mistakes', async () => {
  const child = spawn(process.execPath, [MAIN, '--customers', '0'], { stdio: ['ignore', 'ignore', 'pipe'] });
  const errors = await readLines(child.stderr);
  expect(child.exitCode ?? (await once(child, 'exit'))[0]).toBe(2);
  expect(errors.join('\n')).toMatch(/--url: .*\n.*--customers: [^]*usage:/);
});

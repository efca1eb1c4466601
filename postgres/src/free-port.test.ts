import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { expect, test } from '@jest/globals';
import { findFreePort } from './free-port.ts';

/** In the table of connections, "Linux: Documentation/networking/proc_net_tcp". */
const TIME_WAIT = '06';

test('a port that was found may be listened on by whoever knows its number', async () => {
  for (let round = 0; round < 20; round += 1) {
    const listener = createServer().listen(await findFreePort(), '127.0.0.1');
    await once(listener, 'listening');
    listener.close();
  }
});

test('a port that was found is in TIME-WAIT, where no other process is given it (looked up on Linux only)', async () => {
  if (process.platform !== 'linux') return;
  const port = await findFreePort();
  const local = `0100007F:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  const states = readFileSync('/proc/net/tcp', 'utf8')
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
    .filter(([, from]) => from === local)
    .map(([, , , state]) => state);
  expect(states).toEqual([TIME_WAIT]);
});

test('no two are alike', async () => {
  const ports = await Promise.all(Array.from({ length: 50 }, findFreePort));
  expect(new Set(ports).size).toBe(50);
});

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import type { Opened } from './fixtures.ts';

/** Listens, lets one connection wait in its queue, and never runs again: the kernel drops whatever else asks. */
const LISTENER = `
  const server = require('node:net').createServer().listen(0, '127.0.0.1', 1, () => {
    process.stdout.write(String(server.address().port));
    setImmediate(() => {
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 120_000); // not for ever: who killed the test?
      process.exit();
    });
  });
`;

/** An address that does not even refuse: a connection to it is neither made nor turned down. */
export async function startBlackHole(opened: Opened): Promise<string> {
  const child = spawn(process.execPath, ['-e', LISTENER], { stdio: ['ignore', 'pipe', 'inherit'] });
  opened.add(async () => {
    child.kill('SIGKILL');
    await once(child, 'exit');
  });
  const [port] = (await once(child.stdout, 'data')) as [Buffer];
  const waiting = Array.from({ length: 4 }, () => connect(Number(port.toString()), '127.0.0.1'));
  for (const socket of waiting) socket.on('error', () => undefined); // reset when the listener is killed
  opened.add(() => {
    for (const socket of waiting) socket.destroy();
    return undefined;
  });
  await Promise.all(waiting.slice(0, 2).map((socket) => once(socket, 'connect'))); // its queue is full
  return `http://127.0.0.1:${port.toString()}`;
}

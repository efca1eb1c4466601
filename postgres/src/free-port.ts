import { once } from 'node:events';
import { connect, createServer } from 'node:net';

/**
 * A TCP port on 127.0.0.1 that nobody listens on, for a listener that is told its number: no process that asks the
 * system for any port, to listen or to connect, is given this one within the next minute.
 */
export async function findFreePort(): Promise<number> {
  for (;;) {
    const port = await reservePort();
    // The minute over, the system may give it again, and here both would want it.
    if (given.has(port)) continue;
    given.add(port);
    return port;
  }
}

const given = new Set<number>();

/**
 * The side of a connection that closes first keeps its port in TIME-WAIT (RFC 9293, 3.6.1). Meanwhile the system hands
 * it to nobody who leaves the choice to it, while a listener that names it may have it, since listeners set SO_REUSEADDR.
 */
async function reservePort(): Promise<number> {
  const listener = createServer((accepted) => {
    accepted.on('error', () => undefined); // whoever else tries the port meanwhile is turned away
    accepted.end();
  });
  listener.listen(0, '127.0.0.1');
  await once(listener, 'listening');
  const address = listener.address();
  if (typeof address !== 'object' || !address) throw new Error('no port');
  const peer = connect(address.port, '127.0.0.1').resume();
  await once(peer, 'close'); // its own end follows the other side's
  listener.close();
  await once(listener, 'close');
  return address.port;
}

import { connect } from 'node:net';

const METADATA = 3;
/** The oldest version in use whose answer needs no tagged fields. */
const METADATA_VERSION = 4;
const CORRELATION_ID = 7;
const CLIENT_ID = 'banyan-ready';
const TIMEOUT_MS = 2_000;

/**
 * Asks a broker for its cluster's metadata, as Kafka's protocol has it, without a client library.
 *
 * @returns true once it names at least one live broker; false while it does not answer so.
 */
export async function brokerAnswers(port: number, signal: AbortSignal): Promise<boolean> {
  const answer = await ask(
    port,
    metadataRequest(),
    AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)]),
  );
  // Size, correlation id, throttle time, then the number of brokers.
  return (
    answer !== null &&
    answer.length >= 16 &&
    answer.readInt32BE(4) === CORRELATION_ID &&
    answer.readInt32BE(12) > 0
  );
}

/** Header version 1 (key, version, correlation id, client id), then no topics and no creating of any. */
function metadataRequest(): Buffer {
  const client = Buffer.from(CLIENT_ID);
  const body = Buffer.alloc(10 + client.length + 5);
  body.writeInt16BE(METADATA, 0);
  body.writeInt16BE(METADATA_VERSION, 2);
  body.writeInt32BE(CORRELATION_ID, 4);
  body.writeInt16BE(client.length, 8);
  client.copy(body, 10);
  const size = Buffer.alloc(4);
  size.writeInt32BE(body.length);
  return Buffer.concat([size, body]);
}

/** One question on a connection of its own; null when it is not answered. */
function ask(port: number, request: Buffer, signal: AbortSignal): Promise<Buffer | null> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1' });
    let received = Buffer.alloc(0);
    const finish = (answer: Buffer | null): void => {
      signal.removeEventListener('abort', onAbort);
      socket.destroy();
      resolve(answer);
    };
    const onAbort = (): void => finish(null);
    signal.addEventListener('abort', onAbort, { once: true });
    if (signal.aborted) onAbort();
    socket.once('connect', () => socket.write(request));
    socket.on('data', (chunk: Buffer) => {
      received = Buffer.concat([received, chunk]);
      if (received.length >= 4 && received.length >= 4 + received.readInt32BE(0)) finish(received);
    });
    socket.once('error', () => finish(null));
    socket.once('close', () => finish(null));
  });
}

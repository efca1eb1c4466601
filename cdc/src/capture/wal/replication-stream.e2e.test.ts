import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { parseLsn } from '../../rows/lsn.ts';
import { createTestBed, eventually, type TestBed } from '../../../testing/beds/reader-test-bed.ts';
import { ReplicationStream, type StreamEvent } from './replication-stream.ts';

let bed: TestBed;
let stream: ReplicationStream | undefined;
const signal = AbortSignal.timeout(300_000);

beforeAll(async () => {
  bed = await createTestBed('replication_stream');
  await bed.sql('CREATE TABLE note (id int PRIMARY KEY, body text)');
  await bed.sql(`CREATE PUBLICATION ${bed.publication} FOR TABLE note`);
});
beforeEach(async () => {
  await bed.sql('TRUNCATE note');
  await bed.sql(`SELECT pg_create_logical_replication_slot($1, 'pgoutput')`, [bed.slot]);
});
afterEach(async () => {
  stream?.close();
  await eventually('the slot is dropped', () =>
    bed.sql('SELECT pg_drop_replication_slot($1)', [bed.slot]).then(
      () => true,
      () => false,
    ),
  );
});
afterAll(() => bed.close());

async function open(options: { start?: bigint; maxQueuedBytes?: number } = {}): Promise<ReplicationStream> {
  const { start = 0n, ...rest } = options;
  return await eventually('the slot is free', async () => {
    const next = await ReplicationStream.connect({ url: bed.url, slot: bed.slot, ...rest });
    try {
      await next.start({ publication: bed.publication, start });
      return next;
    } catch {
      return null; // the last walsender is still there
    }
  });
}

/** Ids of the rows inserted by each transaction that comes, and where it ends, until `count` have come. */
async function transactions(
  from: ReplicationStream,
  count: number,
): Promise<{ ids: string[]; end: bigint }[]> {
  const found: { ids: string[]; end: bigint }[] = [];
  let ids: string[] = [];
  const take = ({ message }: Extract<StreamEvent, { kind: 'wal' }>): void => {
    if (message.kind === 'insert') ids.push(message.after[0] ?? '');
    if (message.kind !== 'commit') return;
    found.push({ ids, end: message.endLsn });
    ids = [];
  };
  while (found.length < count) {
    for (const event of await from.next(signal)) if (event.kind === 'wal') take(event);
  }
  return found;
}

async function confirmed(): Promise<bigint> {
  const { confirmedFlushLsn } = await bed.source.slotStatus(signal);
  return parseLsn(confirmedFlushLsn ?? '0/0');
}

test('of two commits back to back, the first confirmed, the second comes again and the first does not', async () => {
  for (let round = 0; round < 5; round += 1) {
    stream = await open({ start: await confirmed() });
    // One statement string, two transactions: nothing comes between their WAL records.
    await bed.sql(
      `DO $$ BEGIN
         INSERT INTO note VALUES (${round * 2}); COMMIT;
         INSERT INTO note VALUES (${round * 2 + 1}); COMMIT;
       END $$`,
    );
    const [first, second] = await transactions(stream, 2);
    if (!first || !second) throw new Error('Two transactions were expected.');
    stream.confirm(first.end);
    await eventually('the server knows', async () => (await confirmed()) === first.end);
    stream.close(); // as at kill -9: nothing more is said
    stream = await open({ start: first.end });
    expect(await transactions(stream, 1)).toEqual([second]);
    stream.confirm(second.end);
    await eventually('the server knows', async () => (await confirmed()) === second.end);
    stream.close();
  }
});

test('nothing is confirmed that nobody confirmed, however long it was received', async () => {
  stream = await open();
  const before = await confirmed();
  await bed.sql('INSERT INTO note VALUES (1)');
  const [transaction] = await transactions(stream, 1);
  const heard = stream.heardAtMs;
  // The answer to a status update: by then at least one was sent after the transaction had come.
  await eventually('a keepalive comes', () => (stream?.heardAtMs ?? 0) > heard + 1_000);
  expect(await confirmed()).toBe(before);
  expect(stream.receivedLsn).toBeGreaterThanOrEqual(transaction?.end ?? 0n);
});

test('the socket is paused while nobody takes what has come, and nothing is lost', async () => {
  const maxQueuedBytes = 64 * 1024;
  stream = await open({ maxQueuedBytes });
  await bed.sql(`INSERT INTO note SELECT n, repeat('x', 2000) FROM generate_series(1, 20000) n`);
  const waiting = stream;
  await eventually('the queue is full', () => waiting.queuedBytes > maxQueuedBytes);
  // 40 MB are on their way: more than socket buffers hold, so the server has to wait for us.
  await eventually('the server is held up', async () => {
    const rows = await bed.sql(
      `SELECT 1 FROM pg_stat_activity WHERE backend_type = 'walsender' AND datname = current_database()
         AND wait_event = 'WalSenderWriteData'`,
    );
    return rows.length > 0;
  });
  expect(waiting.queuedBytes).toBeLessThan(maxQueuedBytes + 256 * 1024);
  const [transaction] = await transactions(waiting, 1);
  expect(transaction?.ids).toHaveLength(20_000);
});

/** How a slow tunnel carries what the server says: so many bytes every so many milliseconds. */
const SLOW_BYTES = 32 * 1024;
const SLOW_MS = 50;

/** A way to the server that can go dead (connections stay open and carry nothing any more) or slow. */
async function openTunnel(): Promise<{ url: string; goDead(): void; goSlow(): void; close(): void }> {
  const target = new URL(bed.url);
  const sockets: Socket[] = [];
  let isDead = false;
  let isSlow = false;
  const carry = async (bytes: Buffer, from: Socket, to: Socket): Promise<void> => {
    from.pause();
    for (let start = 0; start < bytes.length; start += SLOW_BYTES) {
      await delay(SLOW_MS);
      to.write(bytes.subarray(start, start + SLOW_BYTES));
    }
    from.resume();
  };
  const server = createServer((near) => {
    const far = connect(Number(target.port), target.hostname);
    sockets.push(near, far);
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      from.on('data', (bytes: Buffer) => {
        if (isSlow && from === far) void carry(bytes, from, to);
        else if (!isDead) to.write(bytes);
      });
      from.on('close', () => to.destroy());
      from.on('error', () => undefined); // closing is what counts
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = new URL(bed.url);
  url.port = String((server.address() as AddressInfo).port);
  return {
    url: url.href,
    goDead: () => (isDead = true),
    goSlow: () => (isSlow = true),
    close() {
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  };
}

test('a server that is not heard any more is given up, an idle one that answers is not', async () => {
  const tunnel = await openTunnel();
  const far = await ReplicationStream.connect({
    url: tunnel.url,
    slot: bed.slot,
    statusIntervalMs: 20,
    silenceTimeoutMs: 200,
  });
  await far.start({ publication: bed.publication, start: 0n });
  const startedAtMs = Date.now();
  // Nothing happens in the database, longer than the deadline: the answers to our status updates are enough.
  await eventually('it is heard after the deadline', () => far.heardAtMs > startedAtMs + 400);
  tunnel.goDead();
  const drain = async (): Promise<never> => {
    for (;;) await far.next(signal);
  };
  await expect(drain()).rejects.toThrow(/nothing was heard/);
  tunnel.close();
});

test('a large change that takes longer to come than the server may be silent comes all the same', async () => {
  const tunnel = await openTunnel();
  const silenceTimeoutMs = 2_000;
  const { url } = tunnel;
  stream = await ReplicationStream.connect({ url, slot: bed.slot, statusIntervalMs: 20, silenceTimeoutMs });
  await stream.start({ publication: bed.publication, start: 0n });
  tunnel.goSlow();
  const startedAtMs = performance.now();
  await bed.sql(`INSERT INTO note VALUES (1, repeat('x', 4 * 1024 * 1024))`);
  const [transaction] = await transactions(stream, 1);
  expect(transaction?.ids).toEqual(['1']);
  expect(performance.now() - startedAtMs).toBeGreaterThan(silenceTimeoutMs * 2); // else it shows nothing
  tunnel.close();
});

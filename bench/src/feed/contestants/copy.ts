import pg from 'pg';
import { createSourceTable, SOURCE_TABLE } from '../bench-rows.ts';
import { CopyIn } from './copy-in.ts';
import { serve } from './serve.ts';

/** Chunks of the size that a socket likes. */
const CHUNK_BYTES = 64 * 1024;
/** Bytes that may wait for the second connection before the first one is paused. */
const WAITING_BYTES = 4 * 1024 * 1024;
const TARGET = 'bench_copied';

interface CopyingConnection {
  readonly stream: { pause(): void; resume(): void };
  on(event: 'copyData', listener: (message: { readonly chunk: Buffer }) => void): void;
  removeListener(event: 'copyData', listener: unknown): void;
}

const url = process.env['DATABASE_URL'] ?? '';
const from = new pg.Client(url);
const to = new pg.Client(url);
await Promise.all([from.connect(), to.connect()]);

/** Rows come as text and are thrown away: the least that a Node process can do with them. */
async function copyOut(): Promise<number> {
  return (await from.query(`COPY ${SOURCE_TABLE} TO STDOUT`)).rowCount ?? 0;
}

/** Out of one table and into another, over two connections and through this process. */
async function copyOutAndIn(): Promise<number> {
  await to.query(`DROP TABLE IF EXISTS ${TARGET}`);
  await to.query(createSourceTable.replace(SOURCE_TABLE, TARGET));
  const copyIn = new CopyIn(`COPY ${TARGET} FROM STDIN`);
  await copyIn.start(to);
  const source = from.connection as unknown as CopyingConnection;
  let chunks: Buffer[] = [];
  let bytes = 0;
  let waitingBytes = 0;
  let writing = Promise.resolve();
  const flush = (): void => {
    const chunk = Buffer.concat(chunks);
    chunks = [];
    bytes = 0;
    waitingBytes += chunk.length;
    if (waitingBytes > WAITING_BYTES) source.stream.pause();
    writing = writing.then(async () => {
      await copyIn.write(chunk);
      waitingBytes -= chunk.length;
      if (waitingBytes <= WAITING_BYTES / 2) source.stream.resume();
    });
  };
  const onData = ({ chunk }: { readonly chunk: Buffer }): void => {
    chunks.push(Buffer.from(chunk)); // pg uses its buffer again
    bytes += chunk.length;
    if (bytes >= CHUNK_BYTES) flush();
  };
  source.on('copyData', onData);
  try {
    await from.query(`COPY ${SOURCE_TABLE} TO STDOUT`);
    if (bytes > 0) flush();
    await writing;
    return await copyIn.end();
  } finally {
    source.removeListener('copyData', onData);
  }
}

/** @returns rows a second. */
async function timed(copy: () => Promise<number>): Promise<{ rows: number; rowsPerSecond: number }> {
  const startMs = performance.now();
  const rows = await copy();
  return { rows, rowsPerSecond: (rows / (performance.now() - startMs)) * 1_000 };
}

serve({ out: () => timed(copyOut), 'out-and-in': () => timed(copyOutAndIn) });

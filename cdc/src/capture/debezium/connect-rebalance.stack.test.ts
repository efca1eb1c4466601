import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { tableTopic } from '@banyan/contracts';
import { findFreePort } from '@banyan/postgres';
import type { StackProcess } from '@banyan/kafka';
import { setTimeout as sleep } from 'node:timers/promises';
import { eventually, PREFIX } from '../../../testing/beds/reader-test-bed.ts';
import {
  createDebeziumTestBed,
  expectCounted,
  type DebeziumTestBed,
} from '../../../testing/beds/debezium-test-bed.ts';

/** Two workers of one group: the connector and its task move from one to the other while rows are written. */
let dbz: DebeziumTestBed;
let first: StackProcess;
let second: StackProcess;
let secondUrl: string;
const signal = (): AbortSignal => AbortSignal.timeout(60_000);

beforeAll(async () => {
  dbz = await createDebeziumTestBed('rebalance');
  await dbz.bed.sql(`
    CREATE TABLE public.counters (id int PRIMARY KEY, n int NOT NULL);
    INSERT INTO public.counters SELECT i, 0 FROM generate_series(1, 20) i`);
  await dbz.source.ensureTables(['public.counters'], signal());
  const port = await findFreePort();
  first = dbz.kafka.stack.connect;
  second = dbz.kafka.stack.anotherWorker(port);
  secondUrl = `http://127.0.0.1:${port}`;
});
afterAll(async () => {
  await dbz.close();
});

/** The port of the worker that runs the task, when it says that it does. */
async function runsAt(url: string): Promise<string | null> {
  const answer = await fetch(`${url}/connectors?expand=status`, { signal: AbortSignal.timeout(5_000) });
  const connectors = (await answer.json()) as Record<
    string,
    { status: { tasks: { state: string; worker_id: string }[] } }
  >;
  const [task] = Object.values(connectors).flatMap(({ status }) => status.tasks);
  return task?.state === 'RUNNING' ? (task.worker_id.split(':').at(-1) ?? null) : null;
}

test('workers join and leave, by SIGTERM and by SIGKILL: every change once, in the order of its row', async () => {
  let written = 0;
  const over = new AbortController();
  const writer = (async () => {
    while (!over.signal.aborted) {
      await dbz.bed.sql('UPDATE public.counters SET n = n + 1 WHERE id = $1', [(written % 20) + 1]);
      written += 1;
      await sleep(2); // a few hundred a second: the backlog after a move is to be read in this test
    }
  })();
  const firstUrl = dbz.kafka.stack.connectUrl;
  const end = async (): Promise<number> =>
    (await dbz.bus.ends([tableTopic(PREFIX, 'public.counters')]))[0]?.nextOffset ?? 0;
  const portOf = (url: string): string => new URL(url).port;
  const moved = async (url: string): Promise<void> => {
    const count = await end();
    await eventually(
      'the task runs at the other worker',
      async () => (await runsAt(url)) === portOf(url),
      60_000,
    );
    await eventually('records come from there', async () => (await end()) > count, 60_000);
    const before = written;
    await eventually('rows are written', () => written > before + 300);
  };
  try {
    await moved(firstUrl);
    // 1. Another one joins; 2. the one that works leaves in order: all moves.
    await second.start();
    await first.stop();
    await moved(secondUrl);
    // 3. It comes again; 4. the one that works now dies.
    await first.start();
    await second.kill();
    await moved(firstUrl);
    expect(await dbz.source.mend(signal())).toBeNull();
    expect(await dbz.source.state(signal())).toEqual({ state: 'running' });
  } finally {
    over.abort();
    await writer;
  }
  await dbz.caughtUp();
  expectCounted(await dbz.records('public.counters'), written);
}, 300_000);

/** A worker that does not know its connectors yet, and a connector that comes back after it was replaced. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { setTimeout as sleep } from 'node:timers/promises';
import { eventually } from '../../../testing/beds/reader-test-bed.ts';
import { ConnectClient } from './connect-client.ts';
import {
  createDebeziumTestBed,
  expectCounted,
  type DebeziumTestBed,
} from '../../../testing/beds/debezium-test-bed.ts';

let dbz: DebeziumTestBed;
let connect: ConnectClient;
let written = 0;
const signal = (): AbortSignal => AbortSignal.timeout(60_000);

beforeAll(async () => {
  dbz = await createDebeziumTestBed('absence');
  connect = new ConnectClient(dbz.kafka.stack.connectUrl);
  await dbz.bed.sql('CREATE TABLE public.counters (id int PRIMARY KEY, n int NOT NULL)');
  await dbz.bed.sql('INSERT INTO public.counters SELECT i, 0 FROM generate_series(1, 5) i');
  await dbz.source.ensureTables(['public.counters'], signal());
}, 180_000);
afterAll(async () => {
  await dbz.close();
});

async function count(): Promise<void> {
  await dbz.bed.sql('UPDATE public.counters SET n = n + 1 WHERE id = $1', [(written % 5) + 1]);
  written += 1;
}

/** A feed that is begun anew has another. */
const names = async (): Promise<readonly string[]> =>
  (await connect.connectors(signal())).map(({ name }) => name);

test('Connect and the broker are killed within two seconds: the feed goes on, and is not begun anew', async () => {
  const { broker, connect: worker } = dbz.kafka.stack;
  const before = await names();
  for (const gapMs of [1_000, 1_300, 1_600]) {
    await worker.kill();
    const workerIsUp = worker.start();
    await sleep(gapMs); // the fault: the worker comes up while its broker goes
    await broker.kill();
    const brokerIsUp = broker.start();
    await count();
    // As the control plane does, all the time; while nothing is known, that fails and is tried again.
    await eventually(
      'the feed runs',
      async () => {
        const done = await dbz.source.mend(signal()).catch((error: unknown) => error);
        await sleep(100);
        return done === null && (await dbz.source.state(signal())).state === 'running';
      },
      90_000,
    );
    await Promise.all([workerIsUp, brokerIsUp]);
    expect(await names()).toEqual(before);
  }
  await dbz.caughtUp();
  expectCounted(await dbz.records('public.counters'), written);
}, 400_000);

test('a connector that comes back after it was replaced lets go of the slot and goes', async () => {
  const [old] = await connect.connectors(signal());
  if (!old) throw new Error('no connector');
  // Its end is known to nobody: what it was made of is put back once another one has its place.
  await connect.remove(old.name, signal());
  await dbz.bed.sql('SELECT pg_terminate_backend(active_pid) FROM pg_replication_slots WHERE active');
  await eventually('another one has its place', async () => {
    await dbz.source.mend(signal());
    return (await dbz.source.feedPosition(signal())) !== null;
  });
  const [current] = await connect.connectors(signal());
  expect(current?.name).not.toBe(old.name);
  await connect.putConfig(old.name, { ...old.config, 'banyan.incarnation': '7' }, signal());
  // It takes the slot from the one that reads it, whenever that lets go for a moment.
  await eventually('both want the slot', async () => {
    await dbz.bed.sql('SELECT pg_terminate_backend(active_pid) FROM pg_replication_slots WHERE active');
    const all = await connect.connectors(signal());
    return all.length === 2 && all.every(({ status }) => status !== null && status.tasks.length > 0);
  });
  await eventually('it is gone', async () => {
    await dbz.source.mend(signal());
    const [only, ...others] = await names();
    return others.length === 0 && only === current?.name;
  });
  await eventually('the feed runs', async () => (await dbz.source.state(signal())).state === 'running');
  const topics = (await dbz.bus.topics())
    .map(({ topic }) => topic)
    .filter((name) => name.endsWith('-offsets'));
  expect(topics.filter((name) => name.includes('absence'))).toEqual([`${current?.name}-offsets`]);
  expect(await dbz.source.mend(signal())).toBeNull();
}, 200_000);

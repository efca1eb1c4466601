import { afterAll, beforeAll, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { setTimeout as sleep } from 'node:timers/promises';
import { FullStack } from './full-stack.ts';
import { until } from './stack.ts';
import { readLastRunState } from '../supervise/run-state.ts';

/** Two kills within two seconds, of any two processes, while reviews are written. The soak does the same for longer. */
/** With pairs of broker, Connect and PostgreSQL among them. */
const SEED = 371;
const PAIRS = 7;
const parts = ['kafka', 'connect', 'reviews', 'control', 'proxy', 'postgres'];
const pairs = fc.sample(
  fc.noBias(
    fc.record({
      names: fc.shuffledSubarray(parts, { minLength: 2, maxLength: 2 }),
      gapMs: fc.integer({ min: 0, max: 2_000 }),
    }),
  ),
  { seed: SEED, numRuns: PAIRS },
);

const full = new FullStack();
const { stack } = full;

beforeAll(async () => {
  await full.start();
  await full.inSync();
  full.write();
  await full.goesOnWriting(); // it cannot begin in the middle of a fault
}, 240_000);

afterAll(async () => {
  await full.close();
}, 180_000);

const find = (name: string) => readLastRunState(stack.home)?.processes.find((each) => each.name === name);

/** Kills what runs of it; the kill before may have taken it along. @returns waits until it is there again. */
function kill(name: string): () => Promise<void> {
  const pid = find(name)?.pid ?? null;
  try {
    if (pid !== null) process.kill(pid, 'SIGKILL');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
  return () =>
    until(`${name} is ready again`, () => {
      const found = find(name);
      return found?.state === 'ready' && found.pid !== pid;
    });
}

test.each(pairs.map(({ names: [first = '', second = ''], gapMs }) => [first, second, gapMs] as const))(
  '%s, and %s %d ms later: the copy catches up, and is not resynced',
  async (first, second, gapMs) => {
    const waits = [kill(first)];
    await sleep(gapMs); // the fault
    waits.push(kill(second));
    await Promise.all(waits.map((wait) => wait()));
    await until('the feed runs', async () => (await full.feed()).state === 'running');
    await full.goesOnWriting();
    // Not `full.inSync()` each time: what came late stays in the window of the lag for a minute.
    await until(
      'the service has what was written last',
      full.reviewer.lookForLast(await full.url('reviews')),
    );
    expect((await full.journal()).filter(({ verb }) => verb === 'resync')).toEqual([]);
    expect(await full.feed()).toMatchObject({ incarnation: 1 });
  },
  240_000,
);

test('nothing acknowledged is lost, and both sides are equal', async () => {
  await full.nothingIsLost();
  expect(full.reviewer.acknowledged.length).toBeGreaterThan(10);
}, 180_000);

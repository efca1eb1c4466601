import { beforeEach, expect, test } from '@jest/globals';
import type { SyncReport } from '@banyan/contracts';
import { createPace, defaultPaceLimits, type PaceLimits } from './pace.ts';

let nowMs: number;
let slept: number[];
let looks: number;
let latencyMs: number;
let lag: SyncReport['lag'];

beforeEach(() => {
  nowMs = 1_000;
  slept = [];
  looks = 0;
  latencyMs = 5;
  lag = { p50Ms: 20, p99Ms: 9_000, samples: 10 };
});

/** A pace whose clock goes on by sleeping, and by what the service takes for an answer. */
function start(limits: Partial<PaceLimits> = {}): (rows: number) => Promise<void> {
  return createPace({
    limits: { ...defaultPaceLimits, ...limits },
    signal: new AbortController().signal,
    copy: {
      sync() {
        looks += 1;
        nowMs += latencyMs;
        const report = { lag, tables: [], nowMs, startedAtMs: 0, heartbeatAtMs: null, error: null };
        return Promise.resolve({ ...report, slice: 'a', group: 'a', state: 'running' });
      },
    },
    clock: {
      nowMs: () => nowMs,
      sleep(ms) {
        slept.push(ms);
        nowMs += ms;
        return Promise.resolve();
      },
    },
  });
}

async function pages(pace: (rows: number) => Promise<void>, count: number, tookMs = 100): Promise<void> {
  for (let page = 0; page < count; page += 1) {
    await pace(1_000);
    nowMs += tookMs;
  }
}

test('without pressure nothing is held up, and the service is asked twice a second', async () => {
  await pages(start(), 20);
  expect(slept).toEqual([]);
  expect(looks).toBe(4);
});

test('rows a second are kept, whatever a page takes', async () => {
  const fromMs = nowMs;
  await pages(start({ maxRowsPerSecond: 2_000 }), 11, 50);
  // Ten pages had to be waited for: half a second each.
  expect(nowMs - fromMs).toBeGreaterThanOrEqual(5_000);
  expect(nowMs - fromMs).toBeLessThan(5_300);
});

test.each([
  ['the service is slow to answer', () => (latencyMs = 300)],
  ['half of the changes lag', () => (lag = { p50Ms: 2_500, p99Ms: 2_600, samples: 3 })],
])('while %s it pauses ever longer, and reads one page after each pause', async (_what, press) => {
  const pace = start();
  press();
  await pages(pace, 9);
  expect(slept).toEqual([100, 200, 400, 800, 1_600, 3_200, 5_000, 5_000, 5_000]);
  latencyMs = 5;
  lag = null;
  slept = [];
  await pages(pace, 5);
  expect(slept).toEqual([]);
});

test('a few late changes are no reason to pause', async () => {
  lag = { p50Ms: 10, p99Ms: 60_000, samples: 100 };
  await pages(start(), 10);
  expect(slept).toEqual([]);
});

import { expect, test } from '@jest/globals';
import type { HeldQueueReport } from '@banyan/contracts';
import { MissingValues } from './missing-values.ts';

const TABLE = 'public.note';
const held = (key: string[] | null, lacksValue = true): HeldQueueReport => ({
  table: TABLE,
  key,
  offset: 1,
  reason: 'a value was left out',
  heldSinceMs: 1,
  waiting: 0,
  rereadSinceMs: null,
  lacksValue,
  payload: { kind: 'none' },
});

function setUp(): {
  readonly asked: string[][][];
  readonly quarantine: { queues: HeldQueueReport[] };
  readonly look: (atMs: number) => Promise<number>;
} {
  const asked: string[][][] = [];
  const quarantine = { queues: [] as HeldQueueReport[] };
  let nowMs = 0;
  const missing = new MissingValues({
    rowReread: {
      readHeld(_table, keys) {
        asked.push(keys.map((key) => [...key]));
        return Promise.resolve(null);
      },
    },
    nowMs: () => nowMs,
  });
  const copy = { quarantine: () => Promise.resolve({ records: quarantine.queues.length, ...quarantine }) };
  return {
    asked,
    quarantine,
    look: (atMs) => {
      nowMs = atMs;
      return missing.look(copy, new AbortController().signal);
    },
  };
}

test('rows that lack a value are read again together; other held records are left to people', async () => {
  const { asked, quarantine, look } = setUp();
  quarantine.queues = [held(['1']), held(['2'], false), held(null), held(['3'])];
  expect(await look(0)).toBe(2);
  expect(asked).toEqual([[['1'], ['3']]]);
});

test('a row that stays held is asked for more and more seldom, at least once a minute', async () => {
  const { asked, quarantine, look } = setUp();
  quarantine.queues = [held(['1'])];
  const atMs: number[] = [];
  for (let now = 0; now < 300_000; now += 500) if ((await look(now)) > 0) atMs.push(now);
  expect(atMs.slice(0, 5)).toEqual([0, 1_000, 3_000, 7_000, 15_000]);
  expect(atMs.slice(6).every((at, i) => at - (atMs[i + 5] ?? 0) <= 60_000)).toBe(true);
  // What was let go and is held anew counts as new.
  quarantine.queues = [];
  await look(300_500);
  quarantine.queues = [held(['1'])];
  expect(await look(301_000)).toBe(1);
  expect(asked.at(-1)).toEqual([['1']]);
});

import { afterEach, beforeEach, expect, test } from '@jest/globals';
import type { Logger } from '@banyan/kit';
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { startBusKeeper, type BusKeeper } from './bus-keeper.ts';
import { record, start } from '../../../testing/beds/bus-test-bed.ts';
import { BusCorruptError } from '../bus-errors.ts';
import type { BusRecord } from '../bus.ts';
import type { EmbeddedBus } from './kept-bus.ts';
import { createRetention, type Retention } from './retention.ts';
import { openSqliteBus } from '../sqlite/sqlite-bus.ts';

const MAX_BYTES = 8 * 1024 * 1024;
const HOUR_MS = 3_600_000;

let folder: string;
let bus: EmbeddedBus;
let keeper: BusKeeper | undefined;
let nowMs: number;
let said: string[];
/** How often a keeper has begun a round. */
let looks: number;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'banyan-keeper-'));
  bus = await openSqliteBus({ file: join(folder, 'bus.sqlite') });
  const topics = bus.topics.bind(bus);
  bus.topics = () => {
    looks += 1;
    return topics();
  };
  nowMs = Date.now();
  said = [];
  looks = 0;
});
afterEach(async () => {
  await keeper?.close();
  keeper = undefined;
  await bus.close();
  await rm(folder, { recursive: true });
});

function logger(): Logger {
  const say = (first: unknown, message?: string): void => void said.push(message ?? String(first));
  return { info: say, warn: say, error: say } as unknown as Logger;
}

async function keep(others: Readonly<Record<string, Retention>> = {}, appliedMs = 0): Promise<BusKeeper> {
  keeper = await startBusKeeper({
    bus,
    logger: logger(),
    clock: () => nowMs,
    intervalMs: 1,
    retention: createRetention({ appliedMs, others }),
    maxBytes: MAX_BYTES,
    warnBytes: MAX_BYTES / 2,
  });
  return keeper;
}

async function until(condition: () => boolean | Promise<boolean>, what: string): Promise<void> {
  const deadlineMs = performance.now() + 60_000;
  while (!(await condition())) {
    if (performance.now() > deadlineMs)
      throw new Error(`Waited in vain for ${what}; it said: ${said.join('; ')}`);
    await delay(2);
  }
}

/** A whole round after now. */
async function rounds(): Promise<void> {
  const before = looks;
  await until(() => looks > before + 2, 'two rounds');
}

async function startOf(topic: string): Promise<number> {
  return (await bus.starts([topic]))[0]?.nextOffset ?? 0;
}

function megabytes(topic: string, count: number): BusRecord[] {
  return Array.from({ length: count * 10 }, (_, id) => ({
    ...record(topic, id),
    value: 'x'.repeat(100_000),
  }));
}

async function isLost(name: string): Promise<boolean> {
  return (await bus.groups()).some((group) => group.name === name && group.lost);
}

test('what every group has applied goes, what one has not stays', async () => {
  await bus.append([1, 2, 3, 4].map((id) => record('a', id)));
  await bus.commit('fast', [start('a', 4)]);
  await bus.commit('slow', [start('a', 2)]);
  await keep();
  await until(async () => (await startOf('a')) === 2, 'the first two to go');
  await rounds();
  expect(await startOf('a')).toBe(2);
  await bus.commit('slow', [start('a', 4)]);
  await until(async () => (await startOf('a')) === 4, 'the rest to go');
});

test('applied records stay a while for people who look, unless room gets scarce', async () => {
  await bus.append(megabytes('a', 1));
  await bus.commit('one', [start('a', 10), start('b', 0)]);
  await keep({}, HOUR_MS);
  await rounds();
  expect(await startOf('a')).toBe(0);
  await bus.append(megabytes('b', 3));
  await until(async () => (await startOf('a')) === 10, 'what was applied to go for want of room');
  expect(await startOf('b')).toBe(0);
  await bus.commit('one', [start('b', 30)]);
  await until(async () => (await startOf('b')) === 30, 'the rest to go');
  await bus.append([record('a', 11)]);
  await bus.commit('one', [start('a', 11)]);
  await rounds();
  expect(await startOf('a')).toBe(10);
  nowMs += HOUR_MS + 10_000;
  await until(async () => (await startOf('a')) === 11, 'the record to go of age');
});

test('a topic that no group reads is kept for an hour, and one whose only group is lost as well', async () => {
  await bus.append([record('unread', 1), record('lost', 1), record('lost', 2)]);
  await bus.commit('one', [start('lost', 0)]);
  await bus.deleteStep({ topic: 'lost', before: 1, unreadToo: true });
  await keep();
  nowMs += HOUR_MS - 10_000;
  await rounds();
  expect([await startOf('unread'), await startOf('lost')]).toEqual([0, 1]);
  nowMs += 20_000;
  await until(async () => (await startOf('unread')) === 1 && (await startOf('lost')) === 2, 'both to go');
});

test('heartbeats go after their time, read or not', async () => {
  await bus.append([record('beats', 1)]);
  await bus.commit('one', [start('beats', 0)]);
  await keep({ beats: { kind: 'for-a-time', maxAgeMs: 60_000 } });
  await rounds();
  expect(await startOf('beats')).toBe(0);
  nowMs += 61_000;
  await until(async () => (await startOf('beats')) === 1, 'the heartbeat to go');
});

test('what later records replace goes once it is old, and the topic still begins where it began', async () => {
  await bus.append([1, 2, 3].map((id) => record('state', id)));
  const find = (records: readonly { offset: number }[]): number[] => records.map(({ offset }) => offset);
  await keep({ state: { kind: 'superseded', minAgeMs: HOUR_MS, find } });
  await rounds();
  expect(await bus.topics()).toMatchObject([{ topic: 'state', records: 3 }]);
  nowMs += HOUR_MS + 1_000;
  await until(async () => (await bus.topics())[0]?.records === 1, 'all but the last to go');
  expect(await startOf('state')).toBe(0);
});

test('above the threshold it warns once, and table snapshots wait until there is room', async () => {
  await bus.commit('one', [start('a', 0)]);
  const kept = await keep();
  await kept.whenRoom(AbortSignal.timeout(5_000));
  await bus.append(megabytes('a', 5));
  await until(
    () => said.some((text) => text.includes('group one has not applied 50 records')),
    'the warning',
  );
  let hasRoom = false;
  const waiting = kept.whenRoom(AbortSignal.timeout(20_000)).then(() => (hasRoom = true));
  await rounds();
  expect(hasRoom).toBe(false);
  expect(await isLost('one')).toBe(false);
  expect(said).toHaveLength(1);
  await bus.commit('one', [start('a', 50)]);
  await waiting;
  await until(() => said.includes('the bus has room again'), 'all clear');
});

test('a table snapshot does not wait for a group that is silent for a minute: that one is lost', async () => {
  await bus.commit('silent', [start('a', 0)]);
  const kept = await keep();
  await bus.append(megabytes('a', 5));
  nowMs += 61_000;
  await rounds();
  expect(await isLost('silent')).toBe(false); // nobody waits yet
  await kept.whenRoom(AbortSignal.timeout(10_000));
  expect(await isLost('silent')).toBe(true);
});

test('a wait for room ends with its signal', async () => {
  await bus.commit('one', [start('a', 0)]);
  const kept = await keep();
  await bus.append(megabytes('a', 5));
  const stop = new AbortController();
  const waiting = kept.whenRoom(stop.signal);
  stop.abort(new Error('closing'));
  await expect(waiting).rejects.toThrow('closing');
});

test('a full bus costs the slowest group its records, never a faster one', async () => {
  await bus.append(megabytes('a', 4));
  await bus.commit('fast', [start('a', 35)]);
  await bus.commit('slow', [start('a', 3), start('b', 0)]);
  await keep();
  await bus.append(megabytes('b', 4));
  await until(() => isLost('slow'), 'the loss');
  await rounds();
  // Of topic a what the fast one needs is still there; of topic b nobody else needs anything.
  expect(await bus.groups()).toMatchObject([
    { name: 'fast', lost: false, lagRecords: 5 },
    { name: 'slow', lost: true, lagRecords: 5 },
  ]);
  expect([await startOf('a'), await startOf('b')]).toEqual([35, 40]);
});

test('before anybody is lost, what nobody reads goes', async () => {
  await bus.append(megabytes('a', 4));
  await bus.commit('one', [start('a', 0)]);
  await bus.append(megabytes('unread', 4));
  await keep();
  await until(async () => (await startOf('unread')) === 40, 'the unread to go');
  await rounds();
  expect(await bus.groups()).toMatchObject([{ name: 'one', lost: false, lagRecords: 40 }]);
});

test('an append that finds no room makes room at the cost of the slowest group', async () => {
  await bus.append(megabytes('a', 5));
  await bus.commit('slow', [start('a', 0)]);
  await keep();
  // Not yet a full bus, but with this one it would be.
  await expect(bus.append(megabytes('b', 4))).rejects.toMatchObject({ code: 'bus-full' });
  await until(() => isLost('slow'), 'the loss');
  await bus.append(megabytes('b', 4));
});

test('with nobody to lose, an append is refused until it fits, and nobody is lost for it', async () => {
  await bus.append([record('a', 1)]);
  await bus.commit('one', [start('a', 1)]);
  await keep();
  await expect(bus.append(megabytes('a', 9))).rejects.toMatchObject({ code: 'bus-full', reason: 'limit' });
  await until(() => said.some((text) => text.includes('the feed waits')), 'that it waits');
  expect(await bus.ends(['a'])).toEqual([start('a', 1)]);
  expect(await isLost('one')).toBe(false);
  await expect(bus.append(megabytes('a', 9))).rejects.toMatchObject({ code: 'bus-full' });
  await rounds();
  expect(said).toHaveLength(1);
  await bus.append(megabytes('a', 2));
  await until(() => said.includes('the bus has room again'), 'all clear');
});

test('a group that is nearly up to date is not lost for what others hold, or for what must stay', async () => {
  await keep({ state: { kind: 'superseded', minAgeMs: HOUR_MS, find: () => [] } });
  await bus.append([...megabytes('a', 3), ...megabytes('state', 1)]);
  await bus.commit('slow', [start('a', 0)]);
  await bus.commit('near', [start('a', 28)]);
  await bus.append(megabytes('state', 3.5));
  await until(() => isLost('slow'), 'the loss');
  await bus.append(megabytes('state', 2.9));
  await rounds();
  expect((await bus.usage()).bytes).toBeGreaterThan(MAX_BYTES * 0.9);
  expect(await isLost('near')).toBe(false);
});

test('the file shrinks when much of it is free', async () => {
  await bus.append(megabytes('a', 7));
  await bus.commit('one', [start('a', 70)]);
  const file = join(folder, 'bus.sqlite');
  await keep();
  await until(async () => (await stat(file)).size < 2.5e6, `the file to shrink`);
});

test('a group that was not heard of for a week is let go', async () => {
  await bus.append([record('a', 1)]);
  await bus.commit('gone', [start('a', 0)]);
  await keep();
  nowMs += 7 * 24 * HOUR_MS + 60_000;
  await until(async () => (await bus.groups()).length === 0, 'the group to go');
  await until(async () => (await startOf('a')) === 1, 'its record to go');
});

test('a damaged bus ends the keeping, with the error; closing ends it without one', async () => {
  const kept = await keep();
  await kept.close();
  expect(await kept.stopped).toBeNull();
  const damage = new BusCorruptError('damaged');
  bus.topics = () => Promise.reject(damage);
  expect(await (await keep()).stopped).toBe(damage);
});

test('two keepers at once do each other no harm', async () => {
  await bus.commit('one', [start('a', 0)]);
  const other = await openSqliteBus({ file: join(folder, 'bus.sqlite') });
  await keep();
  const second = await startBusKeeper({
    bus: other,
    logger: logger(),
    clock: () => nowMs,
    intervalMs: 1,
    retention: createRetention({ appliedMs: 0, others: {} }),
    maxBytes: MAX_BYTES,
    warnBytes: MAX_BYTES / 2,
  });
  let next = 0;
  for (let round = 1; round <= 20; round += 1) {
    await bus.append(Array.from({ length: 300 }, (_, id) => record('a', id)));
    const read = await bus.read(start('a', next), 300);
    expect(read.map(({ offset }) => offset)).toEqual(Array.from({ length: 300 }, (_, i) => next + i));
    next += 300;
    await bus.commit('one', [start('a', next)]);
  }
  await until(async () => (await startOf('a')) === next, 'all to go');
  expect(said).toEqual([]);
  await second.close();
  await other.close();
});

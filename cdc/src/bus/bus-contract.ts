import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { setTimeout as delay } from 'node:timers/promises';
import {
  SourceFencedError,
  type BusRecord,
  type SourceLog,
  type StoredRecord,
  type TopicPosition,
} from './bus.ts';

const server = { systemId: '7301', timeline: 1, lsn: 100n };

function record(topic: string, id: number): BusRecord {
  return { topic, key: `{"id":${id}}`, headers: {}, value: `{"n":${id}}` };
}

function start(topic: string, nextOffset = 0): TopicPosition {
  return { topic, partition: 0, nextOffset };
}

function keys(records: readonly StoredRecord[]): (string | null)[] {
  return records.map(({ key }) => key);
}

/** Consumes until `count` records have come, then stops; fails after 10 s. */
async function take(
  bus: SourceLog,
  from: readonly TopicPosition[],
  count: number,
  maxBatchRecords?: number,
): Promise<StoredRecord[]> {
  const stop = new AbortController();
  const got: StoredRecord[] = [];
  const timer = setTimeout(() => {
    stop.abort();
  }, 10_000);
  await bus.consume({
    from,
    ...(maxBatchRecords === undefined ? {} : { maxBatchRecords }),
    onBatch(records) {
      got.push(...records);
      if (got.length >= count) stop.abort();
      return Promise.resolve();
    },
    signal: stop.signal,
  });
  clearTimeout(timer);
  expect(got.length).toBeGreaterThanOrEqual(count);
  return got;
}

async function takeAll(bus: SourceLog, topic: string): Promise<StoredRecord[]> {
  const [end] = await bus.ends([topic]);
  return end && end.nextOffset > 0 ? await take(bus, [start(topic)], end.nextOffset) : [];
}

/**
 * What every embedded bus does, as tests: run against the SQLite bus and against the fake in memory.
 *
 * @param open Gives a new, empty bus. It is closed after each test.
 */
export function describeBusContract(name: string, open: () => Promise<SourceLog>): void {
  describe(`${name} keeps the contract of the bus:`, () => {
    let bus: SourceLog;
    beforeEach(async () => {
      bus = await open();
    });
    afterEach(async () => {
      await bus.close();
    });

    describeRecords(() => bus);
    describeConsuming(() => bus);
    describeSourcePosition(() => bus);
  });
}

function describeRecords(bus: () => SourceLog): void {
  test('records come out as they went in, in order per topic, with dense offsets from 0', async () => {
    const odd = { topic: 'a', key: null, headers: { id: 'x"1', é: '☃' }, value: null };
    const text = { topic: 'a', key: '{"k":"\'?\\""}', headers: {}, value: '{"v":"? :x \\u0000 😀\\n"}' };
    await bus().append([record('a', 1), record('b', 2), odd]);
    await bus().append([text, record('b', 3)]);

    const a = await takeAll(bus(), 'a');
    expect(a.map(({ topic, key, headers, value }) => ({ topic, key, headers, value }))).toEqual([
      record('a', 1),
      odd,
      text,
    ]);
    expect(a.map(({ offset, partition }) => [partition, offset])).toEqual([
      [0, 0],
      [0, 1],
      [0, 2],
    ]);
    expect(keys(await takeAll(bus(), 'b'))).toEqual(['{"id":2}', '{"id":3}']);
    for (const { storedAtMs } of a) expect(storedAtMs).toBeGreaterThan(1_600_000_000_000);
  });

  test('appends that overlap keep each batch together', async () => {
    const batches = Array.from({ length: 20 }, (_, batch) =>
      Array.from({ length: 5 }, (_, i) => record('a', batch * 5 + i)),
    );
    await Promise.all(batches.map((batch) => bus().append(batch)));
    const got = await takeAll(bus(), 'a');
    expect(got.map(({ offset }) => offset)).toEqual(Array.from({ length: 100 }, (_, i) => i));
    const ids = keys(got).map((key) => Number(/\d+/.exec(key ?? '')?.[0]));
    for (let i = 0; i < 100; i += 5) {
      const first = ids[i] ?? NaN;
      expect(ids.slice(i, i + 5)).toEqual([0, 1, 2, 3, 4].map((n) => first + n));
    }
  });

  test('an append that is aborted stores nothing', async () => {
    await expect(bus().append([record('a', 1)], AbortSignal.abort(new Error('enough')))).rejects.toThrow(
      'enough',
    );
    expect(await bus().ends(['a'])).toEqual([start('a', 0)]);
  });

  test('ends are the offsets after the last record, 0 for a topic without records', async () => {
    await bus().append([record('a', 1), record('a', 2), record('b', 1)]);
    expect(await bus().ends(['b', 'none', 'a'])).toEqual([start('b', 1), start('none', 0), start('a', 2)]);
  });

  test('a topic has partition 0, also before its first record', async () => {
    expect(await bus().partitions('none')).toEqual([0]);
  });

  test('what was appended is still a snapshot of its own after the caller changes his array', async () => {
    const records = [record('a', 1)];
    await bus().append(records);
    records.push(record('a', 2));
    expect(await takeAll(bus(), 'a')).toHaveLength(1);
  });
}

function describeConsuming(bus: () => SourceLog): void {
  test('consuming goes on from a position', async () => {
    await bus().append([1, 2, 3, 4].map((id) => record('a', id)));
    expect(keys(await take(bus(), [start('a', 2)], 2))).toEqual(['{"id":3}', '{"id":4}']);
  });

  test('two groups each get everything from where they start', async () => {
    await bus().append([1, 2, 3].map((id) => record('a', id)));
    const [one, two] = await Promise.all([take(bus(), [start('a')], 3), take(bus(), [start('a', 1)], 2)]);
    expect([one.length, two.length]).toEqual([3, 2]);
  });

  test('several topics come in the order in which they were appended', async () => {
    for (let id = 0; id < 10; id += 1) await bus().append([record(id % 2 ? 'a' : 'b', id)]);
    const got = await take(bus(), [start('a'), start('b')], 10, 3);
    expect(keys(got)).toEqual(Array.from({ length: 10 }, (_, id) => `{"id":${id}}`));
  });

  test('a batch holds no more records than asked for', async () => {
    await bus().append(Array.from({ length: 10 }, (_, id) => record('a', id)));
    const stop = new AbortController();
    const sizes: number[] = [];
    await bus().consume({
      from: [start('a')],
      maxBatchRecords: 4,
      onBatch(records) {
        sizes.push(records.length);
        if (sizes.length === 3) stop.abort();
        return Promise.resolve();
      },
      signal: stop.signal,
    });
    expect(sizes).toEqual([4, 4, 2]);
  });

  test('a batch holds no more bytes than asked for, and a record that is larger comes alone', async () => {
    const sized = (id: number, bytes: number): BusRecord => ({
      ...record('a', id),
      value: 'é'.repeat(bytes / 2),
    });
    await bus().append([100, 100, 60, 50, 400, 10, 10, 200].map((bytes, id) => sized(id, bytes)));
    await bus().append([{ ...record('b', 9), value: null }]);
    const stop = new AbortController();
    const sizes: number[] = [];
    await bus().consume({
      from: [start('a'), start('b')],
      maxBatchBytes: 210,
      onBatch(records) {
        sizes.push(records.length);
        if (sizes.reduce((sum, size) => sum + size) === 9) stop.abort();
        return Promise.resolve();
      },
      signal: stop.signal,
    });
    expect(sizes).toEqual([2, 2, 1, 2, 2]);
  });

  test('a topic that does not exist yet is waited for', async () => {
    const got = take(bus(), [start('later')], 1);
    await bus().append([record('other', 1)]);
    await bus().append([record('later', 2)]);
    expect(keys(await got)).toEqual(['{"id":2}']);
  });

  test('records that come while nobody waits for them are found', async () => {
    const stop = new AbortController();
    const got: (string | null)[] = [];
    const consuming = bus().consume({
      from: [start('a')],
      async onBatch(records) {
        got.push(...keys(records));
        // Appended from within the handler: after the consumer's read and before its next one.
        if (got.length === 1) await bus().append([record('a', 2)]);
        if (got.length === 2) stop.abort();
      },
      signal: stop.signal,
    });
    await bus().append([record('a', 1)]);
    await consuming;
    expect(got).toEqual(['{"id":1}', '{"id":2}']);
  });

  test('the next batch waits until the handler is done with the last', async () => {
    await bus().append(Array.from({ length: 6 }, (_, id) => record('a', id)));
    const stop = new AbortController();
    let inside = 0;
    let most = 0;
    let calls = 0;
    await bus().consume({
      from: [start('a')],
      maxBatchRecords: 2,
      async onBatch() {
        inside += 1;
        most = Math.max(most, inside);
        await delay(5);
        inside -= 1;
        calls += 1;
        if (calls === 3) stop.abort();
      },
      signal: stop.signal,
    });
    expect([calls, most]).toEqual([3, 1]);
  });

  test('aborting ends a consumer that waits, and one whose handler runs, after the handler', async () => {
    const waiting = new AbortController();
    const idle = bus().consume({
      from: [start('none')],
      onBatch: () => Promise.resolve(),
      signal: waiting.signal,
    });
    waiting.abort();
    await idle;

    await bus().append([record('a', 1)]);
    const busy = new AbortController();
    let finished = false;
    await bus().consume({
      from: [start('a')],
      async onBatch() {
        busy.abort();
        await delay(5);
        finished = true;
      },
      signal: busy.signal,
    });
    expect(finished).toBe(true);
  });

  test("a handler's error ends consuming with that error", async () => {
    await bus().append([record('a', 1)]);
    const failure = new Error('no');
    await expect(
      bus().consume({
        from: [start('a')],
        onBatch: () => Promise.reject(failure),
        signal: new AbortController().signal,
      }),
    ).rejects.toBe(failure);
  });

  test('a bus that is closed under a consumer fails it, and closing twice is closing once', async () => {
    const consuming = bus().consume({
      from: [start('a')],
      onBatch: () => Promise.resolve(),
      signal: new AbortController().signal,
    });
    const outcome = expect(consuming).rejects.toMatchObject({ code: 'bus-closed' });
    await bus().close();
    await bus().close();
    await outcome;
    await expect(bus().append([record('a', 1)])).rejects.toMatchObject({ code: 'bus-closed' });
  });
}

function describeSourcePosition(bus: () => SourceLog): void {
  test('taking over raises the epoch and goes on from the stored position', async () => {
    expect(await bus().sourcePosition('slot')).toBeNull();
    expect(await bus().takeOver('slot', server)).toMatchObject({ source: 'slot', epoch: 1, ...server });
    await bus().appendAt([], { source: 'slot', epoch: 1, expectedLsn: 100n, lsn: 2n ** 63n - 1n });
    const second = await bus().takeOver('slot', { ...server, lsn: 5n });
    expect(second).toMatchObject({ epoch: 2, lsn: 2n ** 63n - 1n });
    expect(await bus().sourcePosition('slot')).toEqual(second);
    expect(await bus().takeOver('other slot', server)).toMatchObject({ epoch: 1 });
  });

  test('taking over at another server or timeline starts at its position', async () => {
    await bus().takeOver('slot', server);
    await bus().appendAt([], { source: 'slot', epoch: 1, expectedLsn: 100n, lsn: 900n });
    const failedOver = { ...server, timeline: 2, lsn: 300n };
    expect(await bus().takeOver('slot', failedOver)).toMatchObject({ epoch: 2, ...failedOver });
    const restored = { systemId: '9', timeline: 2, lsn: 40n };
    expect(await bus().takeOver('slot', restored)).toMatchObject({ epoch: 3, ...restored });
  });

  test('records and position are stored together', async () => {
    await bus().takeOver('slot', server);
    const move = { source: 'slot', epoch: 1, expectedLsn: 100n, lsn: 200n };
    await bus().appendAt([record('a', 1)], move);
    expect(await bus().sourcePosition('slot')).toMatchObject({ lsn: 200n });
    expect(keys(await takeAll(bus(), 'a'))).toEqual(['{"id":1}']);
  });

  test.each([
    ['an older epoch', { epoch: 1, expectedLsn: 100n }],
    ['a position that has been left', { epoch: 2, expectedLsn: 99n }],
    ['an unknown source', { epoch: 2, expectedLsn: 100n, source: 'nobody' }],
  ])('a reader with %s is refused and stores nothing', async (_, stale) => {
    await bus().takeOver('slot', server);
    await bus().takeOver('slot', server);
    const move = { source: 'slot', lsn: 200n, ...stale };
    await expect(bus().appendAt([record('a', 1)], move)).rejects.toBeInstanceOf(SourceFencedError);
    expect(await bus().ends(['a'])).toEqual([start('a', 0)]);
    expect(await bus().sourcePosition('slot')).toMatchObject({ epoch: 2, lsn: 100n });
  });

  test('of two readers that move from the same position one wins', async () => {
    await bus().takeOver('slot', server);
    const move = (id: number): Promise<void> =>
      bus().appendAt([record('a', id)], { source: 'slot', epoch: 1, expectedLsn: 100n, lsn: 200n });
    const results = await Promise.allSettled([move(1), move(2)]);
    expect(results.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
    expect(await takeAll(bus(), 'a')).toHaveLength(1);
  });

  test('the time when a reader was last heard of is kept', async () => {
    const { heardAtMs } = await bus().takeOver('slot', server);
    await bus().appendAt([], { source: 'slot', epoch: 1, expectedLsn: 100n, lsn: 100n });
    const after = await bus().sourcePosition('slot');
    expect(after?.heardAtMs).toBeGreaterThanOrEqual(heardAtMs);
  });
}

import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { setTimeout as delay } from 'node:timers/promises';
import { record, start, take, takeAll, keys } from '../beds/bus-test-bed.ts';
import type { EmbeddedBus } from '../../src/bus/retention/kept-bus.ts';
import { describeRetention } from './retention-contract.ts';
import { SourceFencedError, type Bus, type SourceLog } from '../../src/bus/bus.ts';

const server = { systemId: '7301', timeline: 1, lsn: 100n };

/**
 * What every embedded bus does, as tests: run against the SQLite bus and against the fake in memory.
 *
 * @param open Gives a new, empty bus. It is closed after each test.
 */
export function describeBusContract(name: string, open: () => Promise<EmbeddedBus>): void {
  describe(`${name} keeps the contract of the bus:`, () => {
    let bus: EmbeddedBus;
    beforeEach(async () => {
      bus = await open();
    });
    afterEach(async () => {
      await bus.close();
    });

    describeRecords(() => bus);
    describeConsuming(() => bus);
    describeOrderOfTopics(() => bus);
    describeRetention(() => bus);
    describeSourcePosition(() => bus);
  });
}

/** The part that holds for a bus of brokers too: no order across topics, and it keeps itself bounded. */
export function describeSharedBusContract(name: string, open: () => Promise<Bus>): void {
  describe(`${name} keeps the contract that all buses share:`, () => {
    let bus: Bus;
    beforeEach(async () => {
      bus = await open();
    });
    afterEach(async () => {
      await bus.close();
    });

    describeRecords(() => bus);
    describeConsuming(() => bus);
  });
}

function describeRecords(bus: () => Bus): void {
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

  test.each([0, 127, 128, 129, 300])('%i records of several topics in one append', async (count) => {
    const records = Array.from({ length: count }, (_, id) => record(id % 3 ? 'a' : 'b', id));
    await bus().append(records);
    const got = [...(await takeAll(bus(), 'a')), ...(await takeAll(bus(), 'b'))];
    expect(keys(got)).toEqual(
      [...records.filter(({ topic }) => topic === 'a'), ...records.filter(({ topic }) => topic === 'b')].map(
        ({ key }) => key,
      ),
    );
  });

  test('a value of several megabytes, a tombstone and an empty text stay what they are', async () => {
    const large = '☃'.repeat(3_000_000);
    const values = [large, null, ''];
    await bus().append(values.map((value) => ({ ...record('a', 1), value })));
    expect((await takeAll(bus(), 'a')).map(({ value }) => value === large || value)).toEqual([
      true,
      null,
      '',
    ]);
  });

  test('events of one key come in the order in which they were appended, whoever appended them', async () => {
    for (let turn = 0; turn < 6; turn += 1) {
      await Promise.all([
        bus().append([{ ...record('a', 1), value: `${turn} first` }, record('b', turn)]),
        bus().append([{ ...record('a', 2), value: `${turn} other` }]),
      ]);
      await bus().append([{ ...record('a', 1), value: `${turn} second` }]);
    }
    const ofKey = (await takeAll(bus(), 'a')).filter(({ key }) => key === '{"id":1}');
    expect(ofKey.map(({ value }) => value)).toEqual(
      [0, 1, 2, 3, 4, 5].flatMap((turn) => [`${turn} first`, `${turn} second`]),
    );
  });

  test('a bus has an id of its own, which stays', async () => {
    const id = await bus().id();
    await bus().append([record('a', 1)]);
    expect(id).not.toBe('');
    expect(await bus().id()).toBe(id);
  });

  test('what was appended is still a snapshot of its own after the caller changes his array', async () => {
    const records = [record('a', 1)];
    await bus().append(records);
    records.push(record('a', 2));
    expect(await takeAll(bus(), 'a')).toHaveLength(1);
  });
}

function describeConsuming(bus: () => Bus): void {
  test('consuming goes on from a position', async () => {
    await bus().append([1, 2, 3, 4].map((id) => record('a', id)));
    expect(keys(await take(bus(), [start('a', 2)], 2))).toEqual(['{"id":3}', '{"id":4}']);
  });

  test('two groups each get everything from where they start', async () => {
    await bus().append([1, 2, 3].map((id) => record('a', id)));
    const [one, two] = await Promise.all([take(bus(), [start('a')], 3), take(bus(), [start('a', 1)], 2)]);
    expect([one.length, two.length]).toEqual([3, 2]);
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
    const sized = (id: number, bytes: number) => ({
      ...record('a', id),
      value: 'é'.repeat(bytes / 2),
    });
    await bus().append([100, 100, 60, 50, 400, 10, 10, 200].map((bytes, id) => sized(id, bytes)));
    await bus().append([{ ...record('a', 9), value: null }]);
    const stop = new AbortController();
    const sizes: number[] = [];
    await bus().consume({
      from: [start('a')],
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

  test('a handler that failed gets the same records again when it begins again where it was', async () => {
    await bus().append([1, 2, 3].map((id) => record('a', id)));
    const attempt = bus().consume({
      from: [start('a', 1)],
      onBatch: () => Promise.reject(new Error('not now')),
      signal: new AbortController().signal,
    });
    await expect(attempt).rejects.toThrow('not now');
    expect(keys(await take(bus(), [start('a', 1)], 2))).toEqual(['{"id":2}', '{"id":3}']);
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

function describeOrderOfTopics(bus: () => Bus): void {
  test('several topics come in the order in which they were appended', async () => {
    for (let id = 0; id < 10; id += 1) await bus().append([record(id % 2 ? 'a' : 'b', id)]);
    const got = await take(bus(), [start('a'), start('b')], 10, 3);
    expect(keys(got)).toEqual(Array.from({ length: 10 }, (_, id) => `{"id":${id}}`));
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

  test('another server or timeline is gone over to only by beginning anew', async () => {
    const { epoch } = await bus().takeOver('slot', server);
    await bus().appendAt([], { source: 'slot', epoch: 1, expectedLsn: 100n, lsn: 900n });
    const restored = { systemId: '9', timeline: 2, lsn: 40n };
    await expect(bus().takeOver('slot', restored)).rejects.toThrow(/begin anew/);
    const reason = 'restored';
    const announced = await bus().takeOver('slot', { ...restored, anew: { step: 'announce', reason } });
    expect(announced).toMatchObject({ epoch: epoch + 1, lsn: 900n, incarnation: 1, anewReason: reason });
    expect(await bus().sourcePosition('slot')).toEqual(announced);
    const anew = { step: 'begin', epoch: announced.epoch, reason } as const;
    const begun = await bus().takeOver('slot', { ...restored, anew });
    expect(begun).toMatchObject({ ...restored, epoch: epoch + 2, incarnation: 2, incarnationReason: reason });
    expect(begun).toMatchObject({ open: null, witness: null, anewReason: null });
    expect(await bus().sourcePosition('slot')).toEqual(begun);
    // Somebody who announced it too, and slept meanwhile.
    await expect(bus().takeOver('slot', { ...restored, anew })).rejects.toBeInstanceOf(SourceFencedError);
  });

  test('a part of a transaction is stored with where it ends, and moves on from there only', async () => {
    await bus().takeOver('slot', server);
    const open = { finalLsn: 2n ** 62n + 1n, identity: '7@1', changeLsn: 150n, changesAtLsn: 3 };
    const witness = { lsn: 100n, identity: 'x' };
    const at = { source: 'slot', epoch: 1, expectedLsn: 100n };
    await bus().appendAt([record('a', 1)], { ...at, lsn: 100n, open, witness });
    expect(await bus().sourcePosition('slot')).toMatchObject({ lsn: 100n, open, witness });
    const elsewhere = { ...open, changesAtLsn: 2 };
    for (const expectedOpen of [null, elsewhere]) {
      const stale = bus().appendAt([record('a', 2)], { ...at, expectedOpen, lsn: 200n });
      await expect(stale).rejects.toBeInstanceOf(SourceFencedError);
    }
    await bus().appendAt([record('a', 2)], { ...at, expectedOpen: open, lsn: 200n });
    expect(await bus().sourcePosition('slot')).toMatchObject({ lsn: 200n, open: null, witness });
    expect(await takeAll(bus(), 'a')).toHaveLength(2);
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

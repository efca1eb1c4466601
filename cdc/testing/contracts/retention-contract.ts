import { expect, test } from '@jest/globals';
import { keys, record, start, take, takeAll } from '../beds/bus-test-bed.ts';
import type { KeptBus } from '../../src/bus/retention/kept-bus.ts';

const records = [1, 2, 3, 4, 5].map((id) => record('a', id));

/** What every embedded bus does about groups and about what it keeps. */
export function describeRetention(bus: () => KeptBus): void {
  describeGroups(bus);
  describeDeletion(bus);
}

function describeGroups(bus: () => KeptBus): void {
  test('a group that told how far it is, is known with what it lags behind', async () => {
    await bus().append(records);
    await bus().commit('one', [start('a', 2)]);
    const [group] = await bus().groups();
    expect(group).toMatchObject({ name: 'one', lagRecords: 3, lost: false });
    expect(group?.topics).toMatchObject([{ ...start('a', 2), lagRecords: 3, lost: false }]);
    // Keys, headers and values of three records.
    expect(group?.lagBytes).toBe(3 * ('{"id":1}' + '{}' + '{"n":1}').length);
    expect(group?.lastSeenAtMs).toBeGreaterThan(1_600_000_000_000);
  });

  test('only the topics that a group names move, back too, and a topic need not exist', async () => {
    await bus().append(records);
    await bus().commit('one', [start('a', 5), start('later', 0)]);
    await bus().commit('one', [start('a', 1)]);
    const [group] = await bus().groups();
    expect(group?.topics).toMatchObject([
      { topic: 'a', nextOffset: 1, lagRecords: 4 },
      { topic: 'later', nextOffset: 0, lagRecords: 0, lagBytes: 0, lost: false },
    ]);
  });

  test('letting a group go forgets some of its topics, or all', async () => {
    await bus().commit('one', [start('a', 1), start('b', 1)]);
    await bus().commit('two', [start('a', 1)]);
    await bus().release('one', ['b', 'unknown']);
    expect((await bus().groups()).map(({ name, topics }) => [name, topics.length])).toEqual([
      ['one', 1],
      ['two', 1],
    ]);
    await bus().release('one');
    await bus().release('nobody');
    expect((await bus().groups()).map(({ name }) => name)).toEqual(['two']);
  });

  test('topics are listed with what they hold', async () => {
    await bus().append([...records, record('b', 1)]);
    await bus().deleteStep({ topic: 'a', before: 2 });
    expect(await bus().topics()).toEqual([
      { topic: 'a', firstOffset: 2, nextOffset: 5, records: 3, bytes: 3 * 17 },
      { topic: 'b', firstOffset: 0, nextOffset: 1, records: 1, bytes: 17 },
    ]);
  });
}

function describeDeletion(bus: () => KeptBus): void {
  test('what is deleted from a topic’s beginning stops at the slowest group', async () => {
    await bus().append(records);
    await bus().commit('fast', [start('a', 4)]);
    await bus().commit('slow', [start('a', 2)]);
    expect(await bus().deleteStep({ topic: 'a', before: 5 })).toBe(2);
    expect(await bus().deleteStep({ topic: 'a', before: 5 })).toBe(0);
    expect(await bus().starts(['a', 'none'])).toEqual([start('a', 2), start('none', 0)]);
    expect(await bus().ends(['a'])).toEqual([start('a', 5)]);
    expect(keys(await take(bus(), [start('a', 2)], 3))).toEqual(['{"id":3}', '{"id":4}', '{"id":5}']);
  });

  test('a group whose records are deleted is lost, and holds nothing back any more', async () => {
    await bus().append(records);
    await bus().commit('fast', [start('a', 4)]);
    await bus().commit('slow', [start('a', 1)]);
    await bus().deleteStep({ topic: 'a', before: 3, unreadToo: true });
    expect(await bus().groups()).toMatchObject([
      { name: 'fast', lost: false },
      { name: 'slow', lost: true, topics: [{ lost: true, lagRecords: 2 }] },
    ]);
    await bus().deleteStep({ topic: 'a', before: 5 });
    expect(await bus().starts(['a'])).toEqual([start('a', 4)]);
  });

  test('a topic that is wholly deleted goes on where it ended', async () => {
    await bus().append(records);
    expect(await bus().deleteStep({ topic: 'a', before: 99 })).toBe(5);
    expect(await bus().topics()).toMatchObject([{ firstOffset: 5, nextOffset: 5, records: 0, bytes: 0 }]);
    await bus().append([record('a', 6)]);
    expect((await take(bus(), [start('a', 5)], 1)).map(({ offset }) => offset)).toEqual([5]);
  });

  test('records are deleted by age, none that is younger', async () => {
    await bus().append(records);
    const [first] = await takeAll(bus(), 'a');
    const storedBeforeMs = first?.storedAtMs ?? 0;
    expect(await bus().deleteStep({ topic: 'a', before: 5, storedBeforeMs })).toBe(0);
    expect(await bus().starts(['a'])).toEqual([start('a', 0)]);
    expect(await bus().deleteStep({ topic: 'a', before: 5, storedBeforeMs: storedBeforeMs + 60_000 })).toBe(
      5,
    );
  });

  test('consuming, or reading, from before the first record kept fails with where topics begin', async () => {
    await bus().append(records);
    await bus().deleteStep({ topic: 'a', before: 3 });
    const gone = { code: 'offset-gone', starts: [start('a', 3)] };
    await expect(take(bus(), [start('a', 2), start('b')], 1)).rejects.toMatchObject(gone);
    await expect(bus().read(start('a', 2), 10)).rejects.toMatchObject(gone);
    expect(await bus().read(start('a', 3), 1)).toMatchObject([{ offset: 3 }]);
    expect(await bus().read(start('a', 5), 1)).toEqual([]);
  });

  test('a consumer that waits, and whose next records are deleted, fails instead of going on behind them', async () => {
    await bus().append(records);
    const stop = new AbortController();
    const consuming = bus().consume({
      from: [start('a')],
      async onBatch(batch) {
        // While the handler runs, all that it has not seen comes and goes.
        if (batch[0]?.offset !== 0) return;
        await bus().append([record('a', 6)]);
        await bus().deleteStep({ topic: 'a', before: 6, unreadToo: true });
      },
      signal: stop.signal,
    });
    await expect(consuming).rejects.toMatchObject({ code: 'offset-gone', starts: [start('a', 6)] });
  });

  test('single records leave holes that readers pass over; the last record always stays', async () => {
    await bus().append(records);
    expect(await bus().deleteRecords('a', [0, 2, 4, 17])).toBe(2);
    expect((await take(bus(), [start('a')], 3)).map(({ offset }) => offset)).toEqual([1, 3, 4]);
    expect(await bus().topics()).toMatchObject([{ firstOffset: 0, nextOffset: 5, records: 3 }]);
    // The topic's beginning is moved over holes as well.
    expect(await bus().deleteStep({ topic: 'a', before: 3 })).toBe(1);
    expect(await bus().starts(['a'])).toEqual([start('a', 3)]);
  });

  test('appends beyond the limit are refused whole, and go on when there is room', async () => {
    const big = { ...record('a', 1), value: 'x'.repeat(100_000) };
    await bus().append([big]);
    const { bytes } = await bus().usage();
    const limits = { maxBytes: (bytes ?? 0) + 150_000, warnBytes: 1_000 };
    await bus().setLimits(limits);
    await bus().append([big]);
    await expect(bus().append([record('b', 1), big, big])).rejects.toMatchObject({
      code: 'bus-full',
      reason: 'limit',
    });
    expect(bus().refusals).toBe(1);
    expect(await bus().ends(['a', 'b'])).toEqual([start('a', 2), start('b', 0)]);
    expect(await bus().usage()).toMatchObject(limits);
    await bus().deleteStep({ topic: 'a', before: 2 });
    await bus().append([record('b', 1), big]);
    expect(await bus().ends(['a', 'b'])).toEqual([start('a', 3), start('b', 1)]);
  });
}

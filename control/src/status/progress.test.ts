import { afterEach, describe, expect, test } from '@jest/globals';
import { statusReportSchema, type StatusReport } from '@banyan/contracts';
import { slotWal } from '../../testing/fake-feed.ts';
import { startTestControl, type TestControl } from '../../testing/test-control.ts';

const MIB = 1_048_576;
let running: TestControl | undefined;
afterEach(() => running?.close());

async function start(): Promise<TestControl> {
  const t = await startTestControl();
  running = t;
  return t;
}

async function status(t: TestControl): Promise<StatusReport> {
  return statusReportSchema.parse((await t.get<StatusReport>('/v1/status')).body);
}

async function metrics(t: TestControl): Promise<string> {
  return await (await fetch(`${t.control.url}/metrics`)).text();
}

/** The slice's table snapshot has been asked for and reads. */
async function copying(): Promise<TestControl> {
  const t = await start();
  await t.verb('advance');
  await t.tickUntil(() => t.feed.calls.some((call) => call.startsWith('requestTableSnapshot')));
  return t;
}

describe('a table snapshot', () => {
  test('that stands still says which transactions it may wait for, until it goes on', async () => {
    const t = await copying();
    const foreign = { pid: 4711, prepared: null, database: 'crm', application: 'psql', state: 'active' };
    t.feed.openTransactions = [
      { ...foreign, ageMs: 60_000, queryAgeMs: 59_000 },
      { ...foreign, pid: 4712, ageMs: 10, queryAgeMs: 5 },
    ];
    await t.control.tick();
    expect((await t.slice()).waitsFor).toBeUndefined();
    t.clock.advance(6_000);
    await t.control.tick();
    expect((await status(t)).slices[0]?.waitsFor).toEqual([
      { ...foreign, ageMs: 60_000, queryAgeMs: 59_000 },
    ]);
    t.feed.broken.source = 'down';
    await t.control.tick();
    expect((await t.slice()).waitsFor).toBeUndefined();
    t.feed.broken.source = null;
    await t.control.tick();
    expect((await t.slice()).waitsFor).toHaveLength(1);
    t.feed.readRows(13);
    await t.control.tick();
    expect((await t.slice()).waitsFor).toBeUndefined();
  });

  test('has a rate and a time that is left only once it was looked at for a while', async () => {
    const t = await copying();
    t.feed.readRows(12);
    await t.control.tick();
    expect((await t.slice()).tables[0]?.tableSnapshot).toMatchObject({
      rowsPerSecond: null,
      remainingMs: null,
    });
    t.clock.advance(2_000);
    t.feed.readRows(16);
    await t.control.tick();
    expect((await t.slice()).tables[0]?.tableSnapshot).toMatchObject({
      state: 'running',
      rowsDone: 16,
      rowsEstimated: 20,
      rowsPerSecond: 2,
      remainingMs: 2_000,
    });
    expect(await metrics(t)).toContain(
      'banyan_table_snapshot_rows_per_second{slice="reviews",table="public.reviews"} 2',
    );
  });

  test('is stopped before its tables leave the feed when the slice is rolled back', async () => {
    const t = await copying();
    await t.verb('rollback', { reason: 'not today' });
    await t.tickUntil(() => t.feed.calls.some((call) => call.startsWith('removeTables')));
    const stopped = t.feed.calls.lastIndexOf('stopTableSnapshots public.reviews');
    expect(t.feed.calls[stopped + 1]).toBe('removeTables public.reviews');
  });

  test('that somebody else stopped is said to be, with what to do', async () => {
    const t = await copying();
    await t.feed.source.stopTableSnapshots(['public.reviews'], AbortSignal.timeout(1_000));
    await t.tickUntil(async () => (await t.slice()).activity?.includes('tried again') ?? false);
    expect((await t.slice()).activity).toMatch(/was stopped through banyan\.signal.*banyan rollback reviews/);
  });
});

describe('positions and kept WAL', () => {
  test('tell how far the bus and the service are behind', async () => {
    const t = await start();
    t.feed.bus.ends = (topics) =>
      Promise.resolve(topics.map((topic) => ({ topic, partition: 0, nextOffset: 9 })));
    await t.control.tick();
    const { feed, slices } = await status(t);
    expect(feed).toMatchObject({ walPosition: '0/101', storedPosition: '0/1', backlogBytes: 256 });
    expect(slices[0]?.tables[0]).toMatchObject({ nextOffset: 7, endOffset: 9 });
    const text = await metrics(t);
    expect(text).toContain('banyan_feed_backlog_bytes 256');
    expect(text).toContain('banyan_table_end_offset{slice="reviews",table="public.reviews"} 9');
  });

  test('never say that more was applied than the bus holds: it was asked a moment earlier than the service', async () => {
    const t = await start();
    t.feed.bus.ends = (topics) =>
      Promise.resolve(topics.map((topic) => ({ topic, partition: 0, nextOffset: 5 })));
    await t.control.tick();
    expect((await status(t)).slices[0]?.tables[0]).toMatchObject({ nextOffset: 7, endOffset: 7 });
  });

  test('are unknown, not 0, while the source does not answer', async () => {
    const t = await start();
    t.feed.broken.source = 'the database is starting up';
    await t.control.tick();
    const { feed } = await status(t);
    expect(feed).toMatchObject({
      walPosition: null,
      backlogBytes: null,
      safeWalBytes: null,
      otherSlots: [],
      retention: { level: 'unknown' },
    });
    expect(await metrics(t)).not.toMatch(/banyan_feed_(backlog|retention_ok|wal_position)/);
  });

  test('are unknown once the last answer is old', async () => {
    const t = await start();
    await t.control.tick();
    t.clock.advance(11_000);
    const { feed, slices } = await status(t);
    expect(feed).toMatchObject({ walPosition: null, storedPosition: null, backlogBytes: null });
    expect(slices[0]?.tables[0]).toMatchObject({ nextOffset: null, endOffset: null });
  });

  test('warn before the server takes WAL away, and name slots that nobody reads', async () => {
    const t = await start();
    const limit = { maxSlotWalKeepBytes: 64 * MIB };
    const own = slotWal('banyan', { active: true, retainedWalBytes: 60 * MIB, safeWalBytes: 4 * MIB });
    const old = slotWal('old', { retainedWalBytes: 40 * MIB, inactiveSinceMs: t.clock.nowMs() - 5_000 });
    const read = slotWal('standby', { active: true, retainedWalBytes: 40 * MIB });
    t.feed.wal = { walLsn: '0/101', ...limit, slots: [own, old, read] };
    await t.control.tick();
    const { feed, next_steps } = await status(t);
    expect(feed).toMatchObject({
      ...limit,
      safeWalBytes: 4 * MIB,
      retention: { level: 'danger' },
      otherSlots: [{ name: 'old', inactiveMs: 5_000, retention: { level: 'warning' } }],
    });
    expect(next_steps).toContain('banyan doctor');
    expect(await metrics(t)).toMatch(
      /banyan_feed_retention_ok 0\n[\s\S]*banyan_feed_other_slot_retained_wal_bytes\{slot="old"\}/,
    );
  });
});

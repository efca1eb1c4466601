/** A copy of another feed than today's is worth nothing: reads go back, and it restarts from a new table snapshot. */
import { afterEach, describe, expect, test } from '@jest/globals';
import { statusReportSchema } from '@banyan/contracts';
import type { FakeFeed } from '../../testing/fake-feed.ts';
import { startTestControl, type TestControl } from '../../testing/test-control.ts';

const open: TestControl[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((each) => each.close()));
});

async function startInCanary(): Promise<TestControl> {
  const t = await startTestControl();
  open.push(t);
  await t.toSyncedCopy();
  await t.verb('advance');
  expect(await t.slice()).toMatchObject({ phase: 'canary', inSync: true });
  return t;
}

const begunAnew: FakeFeed['incarnation'] = {
  incarnation: 2,
  incarnationReason: 'the slot was dropped',
  incarnationAtMs: 2,
  anewReason: null,
};
const breaks: readonly [string, (feed: FakeFeed) => void, RegExp][] = [
  [
    'the feed restarted',
    (feed) => (feed.incarnation = begunAnew),
    /restarted \(incarnation 2\): the slot was dropped/,
  ],
  [
    'the feed has to restart',
    (feed) => (feed.incarnation = { ...feed.incarnation, anewReason: 'the server was restored' }),
    /has to restart: the server was restored/,
  ],
  [
    'the bus is another one',
    (feed) => (feed.incarnation = { ...feed.incarnation, incarnationAtMs: 77 }),
    /incarnation 1/,
  ],
  [
    'a table left the feed',
    (feed) => (feed.membership = 'publication=1/7 public.reviews=absent'),
    /taken out of the feed or re-created: public\.reviews/,
  ],
  [
    'a table left the feed and came back',
    (feed) => (feed.membership = 'publication=1/7 public.reviews=1/3'),
    /public\.reviews/,
  ],
  [
    'the slice maps other columns',
    (feed) => (feed.membership = 'publication=1/7 public.reviews=1/2/7.8'),
    /slice maps other columns of public\.reviews than when the copy was made/,
  ],
  [
    'a table left the feed since the monolith could not write to it',
    (feed) => {
      feed.membership = 'publication=1/7 public.reviews=absent';
      feed.unfit.push({ table: 'public.reviews', problem: 'unwritable', found: 'its key is DEFERRABLE' });
    },
    /public\.reviews left the feed.*would fail in the application \(its key is DEFERRABLE\)/,
  ],
  [
    'the publication was changed, and is right again',
    (feed) => (feed.membership = 'publication=1/8 public.reviews=1/2'),
    /somebody changed what the publication/,
  ],
  ['the copy is lost', (feed) => (feed.lost = true), /the copy of public\.reviews is lost/],
];

test.each(breaks)(
  '%s: reads go to the monolith at once, and the copy is resynced',
  async (_, happen, reason) => {
    const t = await startInCanary();
    t.feed.calls.length = 0;
    happen(t.feed);
    await t.control.tick();
    expect(await t.slice()).toMatchObject({ phase: 'syncing', share: 0, inSync: false });
    const entry = (await t.journal()).at(-1);
    expect(entry).toMatchObject({ by: 'feed', verb: 'resync', from: 'canary 10 %', to: 'syncing' });
    expect(entry?.reason).toMatch(reason);
    expect(entry?.evidence).toContainEqual(
      expect.objectContaining({ gate: 'feed-continuous', verdict: 'fail' }),
    );
    const routes = await t.get<{ slices: { rolledBack: boolean; share: number }[] }>(
      '/v1/routes',
      'peer-token-of-the-tests-0123456789',
    );
    expect(routes.body.slices[0]).toMatchObject({ share: 0, rolledBack: true });

    t.feed.incarnation = { ...t.feed.incarnation, anewReason: null };
    await t.tickUntil(() => t.feed.calls.length >= 4);
    expect(t.feed.calls.slice(0, 4)).toEqual([
      'ensureTables public.reviews',
      'stopTableSnapshots public.reviews',
      'append shop.public.reviews {"banyan":"reset"}',
      'requestTableSnapshot public.reviews',
    ]);
    // Nothing goes forward by itself, and nothing is resynced again and again.
    t.feed.lost = false;
    t.feed.completeSnapshot();
    await t.tickUntil(async () => (await t.slice()).inSync);
    await t.tickUntil(async () => (await t.slice()).verification !== null);
    for (let ticks = 0; ticks < 3; ticks += 1) await t.control.tick();
    expect(await t.slice()).toMatchObject({ phase: 'syncing', share: 0 });
    expect((await t.journal()).filter(({ verb }) => verb === 'resync')).toHaveLength(1);
    expect((await t.verb('advance')).body).toMatchObject({ to: 'canary 10 %' });
  },
);

describe('a resync', () => {
  test('waits with the table snapshot until the feed has begun', async () => {
    const t = await startInCanary();
    t.feed.calls.length = 0;
    t.feed.incarnation = { ...t.feed.incarnation, anewReason: 'restored' };
    await t.tickUntil(
      async () => (await t.slice()).activity?.includes('the feed is restarting: restored') ?? false,
    );
    expect(t.feed.calls.filter((call) => !call.startsWith('ensureTables'))).toEqual([]);
    expect((await t.slice()).gates.find(({ gate }) => gate === 'copy-complete')?.verdict).toBe('fail');
  });

  test('is made of a paused slice too, which stays paused', async () => {
    const t = await startInCanary();
    await t.verb('pause', { reason: 'release day' });
    t.feed.incarnation = begunAnew;
    await t.control.tick();
    expect(await t.slice()).toMatchObject({ phase: 'syncing', paused: { reason: 'release day' } });
  });

  test('is made again when the feed restarts during it', async () => {
    const t = await startInCanary();
    const requests = (): number =>
      t.feed.calls.filter((call) => call.startsWith('requestTableSnapshot')).length;
    for (const [incarnation, wanted] of [
      [2, 2],
      [3, 3],
    ] as const) {
      t.feed.incarnation = { ...begunAnew, incarnation };
      await t.tickUntil(() => requests() === wanted);
    }
    expect((await t.slice()).phase).toBe('syncing');
  });

  test('is not made because a copy that was lost before says so until the reset has reached it', async () => {
    const t = await startInCanary();
    t.feed.lost = true;
    await t.tickUntil(
      () => t.feed.calls.filter((call) => call.startsWith('requestTableSnapshot')).length === 2,
    );
    for (let ticks = 0; ticks < 5; ticks += 1) await t.control.tick();
    expect((await t.journal()).filter(({ verb }) => verb === 'resync')).toHaveLength(1);
    // Whole again, and then lost again: that counts.
    t.feed.lost = false;
    await t.control.tick();
    t.feed.lost = true;
    await t.tickUntil(async () => (await t.journal()).filter(({ verb }) => verb === 'resync').length === 2);
  });

  test('is not made while it cannot be known, and the gate does not pass for long', async () => {
    const t = await startInCanary();
    const gate = async (): Promise<string | undefined> =>
      (await t.slice()).gates.find((each) => each.gate === 'feed-continuous')?.verdict;
    expect(await gate()).toBe('pass');
    t.feed.broken.source = 'ECONNREFUSED';
    await t.control.tick();
    expect(await gate()).toBe('pass');
    t.clock.advance(16_000);
    expect(await gate()).toBe('inconclusive');
    expect((await t.journal()).map(({ verb }) => verb)).not.toContain('resync');
  });

  test('is a verb of people too, with a reason', async () => {
    const t = await startInCanary();
    expect((await t.verb('resync')).status).toBe(400);
    const plan = await t.verb('resync', { reason: 'looks odd', dryRun: true });
    expect(plan.body).toMatchObject({ from: 'canary 10 %', to: 'syncing', journalId: null });
    expect(plan.body.plan[0]).toBe('send all reads to the monolith at once');
    expect((await t.slice()).phase).toBe('canary');
    expect((await t.verb('resync', { reason: 'looks odd' })).body).toMatchObject({ to: 'syncing' });
    expect(await t.slice()).toMatchObject({ phase: 'syncing', inSync: false });
    const again = await t.verb('resync', { reason: 'twice' });
    expect([again.status, again.body.error.code]).toEqual([409, 'nothing-to-do']);
    expect((await t.journal()).at(-1)).toMatchObject({ by: 'tester', verb: 'resync', reason: 'looks odd' });
    await t.verb('rollback', { reason: 'enough' });
    expect((await t.verb('resync', { reason: 'none' })).body.error.code).toBe('not-possible');
  });
});

test('the status says which incarnation the feed is in, and that it is restarting', async () => {
  const t = await startInCanary();
  t.feed.incarnation = { ...begunAnew, anewReason: 'restored' };
  await t.control.tick();
  const { feed } = statusReportSchema.parse((await t.get('/v1/status')).body);
  expect(feed).toMatchObject({
    incarnation: 2,
    incarnationReason: 'the slot was dropped',
    incarnationAtMs: 2,
  });
  expect(feed).toMatchObject({ state: 'failed', error: 'it is restarting: restored' });
});

describe('what the columns of the source mean has changed', () => {
  const rename = ({ feed }: TestControl): void => {
    const [table] = Object.values(feed.catalog);
    if (!table) throw new Error('the feed has a table');
    feed.catalog = { 'public.reviews': { ...table, labels: { 'mood.1': '9 blue' } } };
  };

  test('reads go to the monolith, and the copy is suspect until it is verified again', async () => {
    const t = await startInCanary();
    t.feed.onVerify = () => new Promise(() => undefined);
    rename(t);
    await t.control.tick();
    expect(await t.slice()).toMatchObject({ phase: 'syncing', share: 0, inSync: true, verification: null });
    const entries = await t.journal();
    expect(entries.find(({ verb }) => verb === 'suspect')).toMatchObject({
      by: 'feed',
      reason: "the value 'sad' of the type mood was renamed, and is 'blue' now",
    });
  });

  test('once, and a verification that finds nothing lets it go forward again', async () => {
    const t = await startInCanary();
    rename(t);
    await t.tickUntil(async () => (await t.slice()).verification !== null);
    for (let ticks = 0; ticks < 3; ticks += 1) await t.control.tick();
    expect((await t.journal()).filter(({ verb }) => verb === 'suspect')).toHaveLength(1);
    expect((await t.verb('advance')).status).toBe(200);
    expect(await t.slice()).toMatchObject({ phase: 'canary' });
  });

  test('a verification that was running then counts for nothing', async () => {
    const t = await startInCanary();
    const held = Promise.withResolvers<undefined>();
    const begun = Promise.withResolvers<undefined>();
    t.feed.onVerify = async () => {
      begun.resolve(undefined);
      await held.promise;
      return t.feed.verification;
    };
    const asked = t.verb('verify');
    await begun.promise;
    rename(t);
    await t.control.tick();
    held.resolve(undefined);
    expect((await asked).status).not.toBe(200);
    expect((await t.slice()).verification).toBeNull();
  });

  test('another value, and another column, are no reason', async () => {
    const t = await startInCanary();
    const [table] = Object.values(t.feed.catalog);
    if (!table) throw new Error('the feed has a table');
    t.feed.catalog = {
      'public.reviews': { ...table, labels: { ...table.labels, 'mood.2': '9 fine' } },
    };
    await t.control.tick();
    expect(await t.slice()).toMatchObject({ phase: 'canary' });
  });
});

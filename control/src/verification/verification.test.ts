import { afterEach, describe, expect, test } from '@jest/globals';
import {
  verificationResponseSchema,
  type VerificationReport,
  type VerificationResponse,
} from '@banyan/contracts';
import type { VerifyState } from '@banyan/cdc/verify';
import { KeySortingError } from '@banyan/cdc/capture';
import type { Verify } from './verify.ts';
import { createTestSlice, verifiedTable } from '../../testing/fake-feed.ts';
import { createManualClock } from '../../testing/manual-clock.ts';
import { createMemoryStore } from '../../testing/memory-store.ts';
import { startTestControl, type TestControl } from '../../testing/test-control.ts';

const open: TestControl[] = [];
async function start(given: Parameters<typeof startTestControl>[0] = {}): Promise<TestControl> {
  const started = await startTestControl(given);
  open.push(started);
  return started;
}
afterEach(async () => {
  await Promise.all(open.splice(0).map((each) => each.close()));
});

async function reportOf(t: TestControl): Promise<VerificationReport | null> {
  const { body } = await t.get<VerificationResponse>('/v1/slices/reviews/verification');
  return verificationResponseSchema.parse(body).report;
}

/** A verification that settles one range, then waits until it is told to go on, or its control plane stops. */
function createSlowVerify(): {
  verify: Verify;
  options: Parameters<Verify>[0][];
  /** Resolves once the range is settled. */
  settled: Promise<void>;
  finish: (state: VerifyState) => void;
} {
  const options: Parameters<Verify>[0][] = [];
  const settled = Promise.withResolvers<undefined>();
  const end = Promise.withResolvers<VerifyState>();
  return {
    options,
    settled: settled.promise,
    finish: (state) => end.resolve(state),
    async verify(given) {
      options.push(given);
      await given.onProgress(half);
      settled.resolve(undefined);
      const aborted = Promise.withResolvers<never>();
      given.signal.addEventListener('abort', () => aborted.reject(new Error('aborted')));
      return await Promise.race([end.promise, aborted.promise]);
    },
  };
}

const half: VerifyState = {
  tables: [
    verifiedTable({
      step: 'running',
      rowsSource: 10,
      rowsTarget: 9,
      missing: 1,
      after: { source: ['10'], target: ['10'] },
      examples: [{ kind: 'missing', key: ['3'], fields: [] }],
    }),
  ],
};
const whole: VerifyState = { tables: [verifiedTable({ rowsTarget: 19, missing: 1 })] };

describe('a verification', () => {
  test('is answered at once when nobody waits; the report tells how far it is, and how fast', async () => {
    const t = await start();
    await t.toSyncedCopy();
    const slow = createSlowVerify();
    t.feed.onVerify = slow.verify;
    expect(await t.verb('verify', { wait: false })).toMatchObject({ status: 200, body: { journalId: null } });
    await slow.settled;
    t.clock.advance(2_000);
    expect(await reportOf(t)).toMatchObject({
      state: 'running',
      by: 'tester',
      rowsSource: 10,
      rowsEstimated: 20,
      differences: 1,
      rowsPerSecond: 5,
      timeLeftMs: 2_000,
    });
    expect((await t.slice()).activity).toBe(
      'verification: 10 of about 20 rows compared, 1 differences, 5 rows/s, 2 s left',
    );
    slow.finish(whole);
    await t.tickUntil(async () => (await reportOf(t))?.state === 'finished');
    const { body } = await t.get<VerificationResponse>('/v1/slices/reviews/verification');
    expect(body.report).toMatchObject({ differences: 1, rowsPerSecond: null, tables: [{ missing: 1 }] });
    expect(body.next_steps[0]).toBe('banyan verify reviews --repair --reason "..." --dry-run');
    expect((await t.slice()).activity).toBeNull();
  });

  test('that was interrupted goes on by itself, in the name of who asked for it', async () => {
    const first = await start();
    await first.toSyncedCopy();
    const slow = createSlowVerify();
    first.feed.onVerify = slow.verify;
    await first.verb('verify', { wait: false, reason: 'I want to know' });
    await slow.settled;
    await first.close();

    const { feed, clock, store } = first;
    feed.onVerify = null;
    feed.verification = whole;
    const second = await start({ feed, clock, store });
    expect(await reportOf(second)).toMatchObject({ state: 'interrupted', rowsSource: 10, differences: 1 });
    expect((await second.slice()).activity).toContain('interrupted, goes on from 10 of about 20 rows');
    let resumed: VerifyState | null = null;
    feed.onVerify = (options) => {
      resumed = options.resume;
      return Promise.resolve(whole);
    };
    await second.tickUntil(async () => (await reportOf(second))?.state === 'finished');
    expect(resumed).toEqual(half);
    expect((await second.journal()).at(-1)).toMatchObject({
      verb: 'verify',
      by: 'tester',
      reason: 'I want to know',
    });
  });

  test('begins anew with another copy', async () => {
    const first = await start();
    await first.toSyncedCopy();
    const slow = createSlowVerify();
    first.feed.onVerify = slow.verify;
    await first.verb('verify', { wait: false });
    await slow.settled;
    await first.close();
    const { feed, clock, store } = first;
    const second = await start({ feed, clock, store });
    await second.verb('rollback', { reason: 'copy differs' });
    const resumed: (VerifyState | null)[] = [];
    feed.onVerify = ({ resume }) => {
      resumed.push(resume);
      return Promise.resolve(whole);
    };
    feed.calls.splice(0);
    await second.toSyncedCopy();
    expect(resumed).toEqual([null]);
  });

  test('begins anew with another mapping', async () => {
    const clock = createManualClock();
    const store = createMemoryStore();
    const first = await start({ clock, store });
    await first.toSyncedCopy();
    const slow = createSlowVerify();
    first.feed.onVerify = slow.verify;
    await first.verb('verify', { wait: false });
    await slow.settled;
    await first.close();
    const slice = createTestSlice();
    const tables = slice.tables.map((table) => ({ ...table, columns: { id: 'review_id', body: 'text' } }));
    const second = await start({ clock, store, feed: first.feed, slices: [{ ...slice, tables }] });
    let resumed: VerifyState | null | undefined;
    second.feed.onVerify = (options) => {
      resumed = options.resume;
      return Promise.resolve(whole);
    };
    await second.tickUntil(() => resumed !== undefined);
    expect(resumed).toBeNull();
  });

  test('that another control plane has gone on with writes nothing any more', async () => {
    const first = await start();
    await first.toSyncedCopy();
    const slow = createSlowVerify();
    first.feed.onVerify = slow.verify;
    await first.verb('verify', { wait: false });
    await slow.settled;
    const stored = await first.store.verifications.read('reviews');
    if (!stored) throw new Error('nothing stored');
    await first.store.verifications.begin({ ...stored, run: 'of another' });
    await expect(slow.options[0]?.onProgress(whole)).rejects.toThrow('another control plane has gone on');
    expect((await first.store.verifications.read('reviews'))?.progress).toEqual(half);
  });

  test('that cannot be made is not tried for ever, and says why', async () => {
    const t = await start();
    await t.toSyncedCopy();
    t.feed.onVerify = () => Promise.reject(new KeySortingError('the keys are bytea'));
    await t.verb('verify', { wait: false });
    await t.tickUntil(async () => (await reportOf(t))?.state === 'failed');
    expect(await reportOf(t)).toMatchObject({ error: 'the keys are bytea' });
  });

  test('is refused, with the reason, where a key has a transform', async () => {
    const slice = createTestSlice();
    const same = (value: unknown): never => value as never;
    const transform = { name: 'same', forward: same, inverse: same };
    const tables = slice.tables.map((table) => ({
      ...table,
      columns: { id: { to: 'review_id', transform } },
    }));
    const t = await start({ slices: [{ ...slice, tables }] });
    await t.verb('advance');
    const { status, body } = await t.verb('verify');
    expect(status).toBe(409);
    expect(body.error.evidence.join('\n')).toMatch(
      /no complete copy[\s\S]*key column id of public\.reviews has a transform/,
    );
  });
});

describe('a repair', () => {
  test('is in the journal before it changes anything and when it is done, with its reason', async () => {
    const t = await start();
    await t.toSyncedCopy();
    t.feed.verification = { tables: [verifiedTable({ repaired: 2 })] };
    let verbs: string[] = [];
    t.feed.onVerify = async () => {
      verbs = (await t.journal()).map(({ verb }) => verb);
      return t.feed.verification;
    };
    await t.verb('verify', { repair: true, reason: 'a row was lost' });
    expect(verbs.at(-1)).toBe('repair');
    expect((await t.journal()).slice(-2)).toMatchObject([
      { verb: 'repair', reason: 'a row was lost', by: 'tester' },
      { verb: 'verify', reason: 'a row was lost (2 rows repaired)', by: 'tester' },
    ]);
  });

  test('that is only rehearsed changes nothing, and tells what the last verification found', async () => {
    const t = await start();
    t.feed.verification = { tables: [verifiedTable({ rowsTarget: 19, missing: 1 })] };
    await t.toSyncedCopy();
    const before = [await t.journal(), t.feed.calls.length];
    const { body } = await t.verb('verify', { repair: true, reason: 'x', dryRun: true });
    expect(body.plan.at(-1)).toBe(
      'public.reviews: 1 missing, 0 extra, 0 different, 0 unsettled at the last verification',
    );
    expect([await t.journal(), t.feed.calls.length]).toEqual(before);
  });

  test('is refused while the feed does not run, and without a reason', async () => {
    const t = await start();
    await t.toSyncedCopy();
    expect(await t.verb('verify', { repair: true })).toMatchObject({
      status: 400,
      body: { error: { evidence: ['body.reason: a repair wants a reason, for the journal; got nothing'] } },
    });
    t.feed.broken.source = 'ECONNREFUSED';
    await t.control.tick();
    const { status, body } = await t.verb('verify', { repair: true, reason: 'x' });
    expect([status, body.error.code]).toEqual([409, 'not-possible']);
    expect(body.error.evidence[0]).toContain('the feed is unknown');
    expect(t.feed.calls).not.toContain('repair');
  });

  test('is refused while a verification runs that only looks', async () => {
    const t = await start();
    await t.toSyncedCopy();
    const slow = createSlowVerify();
    t.feed.onVerify = slow.verify;
    await t.verb('verify', { wait: false });
    await slow.settled;
    const { status, body } = await t.verb('verify', { repair: true, reason: 'x' });
    expect([status, body.error.message]).toEqual([409, expect.stringContaining('wait until it is done')]);
    slow.finish(whole);
  });

  test('is for verify alone', async () => {
    const t = await start();
    expect((await t.verb('advance', { repair: true })).body.error.evidence).toEqual([
      'body.repair: only verify takes it',
    ]);
  });
});

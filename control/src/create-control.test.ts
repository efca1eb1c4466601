import { afterEach, describe, expect, test } from '@jest/globals';
import { routesSnapshotSchema, sliceStatusSchema, verbResponseSchema } from '@banyan/contracts';
import { createTestSlice, verifiedTable } from '../testing/fake-feed.ts';
import { GRACE_MS, PEER_TOKEN, startTestControl, type TestControl } from '../testing/test-control.ts';

const open: TestControl[] = [];
async function start(given: Parameters<typeof startTestControl>[0] = {}): Promise<TestControl> {
  const started = await startTestControl(given);
  open.push(started);
  return started;
}
afterEach(async () => {
  await Promise.all(open.splice(0).map((each) => each.close()));
});

/** A control plane whose slice sends half of its reads to the service. */
async function startInCanary(): Promise<TestControl> {
  const test_ = await start();
  await test_.toSyncedCopy();
  await test_.verb('advance');
  expect((await test_.verb('advance')).body).toMatchObject({ from: 'canary 10 %', to: 'canary 50 %' });
  return test_;
}

describe('the way forward', () => {
  test('copies in the order that loses nothing, verifies, and moves the reads share by share', async () => {
    const t = await start();
    const first = await t.verb('advance');
    expect(verbResponseSchema.parse(first.body)).toMatchObject({ from: 'monolith', to: 'syncing' });
    await t.tickUntil(() => t.feed.calls.length >= 4);
    expect(t.feed.calls).toEqual([
      'ensureTables public.reviews',
      'stopTableSnapshots public.reviews',
      'append shop.public.reviews {"banyan":"reset"}',
      'requestTableSnapshot public.reviews',
    ]);
    expect((await t.slice()).activity).toBe('table snapshot of public.reviews: 12 of about 20 rows');
    expect((await t.verb('advance')).body.error.evidence.join()).toContain('copy-complete (fail)');

    t.feed.completeSnapshot();
    await t.tickUntil(async () => (await t.slice()).verification !== null);
    const slice = sliceStatusSchema.parse(await t.slice());
    expect(slice).toMatchObject({ phase: 'syncing', inSync: true, share: 0, activity: null });

    for (const to of ['canary 10 %', 'canary 50 %', 'canary 100 %']) {
      expect(await t.verb('advance')).toMatchObject({ status: 200, body: { to } });
    }
    const last = await t.verb('advance');
    expect([last.status, last.body.error.evidence]).toEqual([
      409,
      ['all reads have moved; moving the writes is not built yet'],
    ]);
    expect((await t.slice()).next).toBeNull();
  });

  test('does not begin without what it needs, and says all of it', async () => {
    const t = await start();
    t.feed.broken.service = 'ECONNREFUSED';
    t.feed.broken.source = 'the database is starting up';
    const { status, body } = await t.verb('advance');
    expect([status, body.error.code]).toEqual([409, 'gate-failed']);
    expect(body.error.evidence.join('\n')).toMatch(/service-reachable \(fail\)[\s\S]*source-tables \(inconc/);
    expect((await t.slice()).phase).toBe('monolith');
    expect(await t.journal()).toEqual([]);
  });

  test('waits for the service to catch up after the table snapshot before the copy counts', async () => {
    const t = await start();
    await t.verb('advance');
    await t.tickUntil(() => t.feed.calls.length >= 4);
    t.feed.broken.caughtUp = 'the service did not meet the barrier';
    t.feed.completeSnapshot();
    await t.tickUntil(async () => (await t.slice()).activity?.includes('did not meet') ?? false);
    expect((await t.slice()).inSync).toBe(false);
    t.feed.broken.caughtUp = null;
    await t.tickUntil(async () => (await t.slice()).inSync);
  });

  test('verifies as part of the step when the last verification is old', async () => {
    const t = await start();
    await t.toSyncedCopy();
    t.clock.advance(700_000);
    await t.control.tick();
    const dry = await t.verb('advance', { dryRun: true });
    expect(dry.body).toMatchObject({ journalId: null, to: 'canary 10 %' });
    expect(dry.body.plan[0]).toContain('verify first');
    expect((await t.slice()).phase).toBe('syncing');
    expect((await t.verb('advance')).body.to).toBe('canary 10 %');
    expect(t.feed.calls.filter((call) => call === 'verify')).toHaveLength(2);
  });

  test('refuses when the verification finds a difference, and names it', async () => {
    const t = await start();
    const examples = [{ kind: 'missing', key: ['17'], fields: [] }] as const;
    t.feed.verification = { tables: [verifiedTable({ rowsTarget: 19, missing: 1, examples })] };
    await t.toSyncedCopy();
    const { status, body } = await t.verb('advance');
    expect(status).toBe(409);
    expect(body.error.evidence.join()).toContain('public.reviews [17]: missing in the service');
  });

  test('refuses when the verification cannot be made', async () => {
    const t = await start();
    t.feed.broken.verify = 'connection lost';
    await t.verb('advance');
    await t.tickUntil(() => t.feed.calls.length >= 3);
    t.feed.completeSnapshot();
    await t.tickUntil(async () => (await t.slice()).inSync);
    const { status, body } = await t.verb('advance');
    expect([status, body.error.evidence]).toEqual([
      409,
      ['verification: it could not be made: connection lost'],
    ]);
  });
});

describe('the way back', () => {
  test('is open with everything down, keeps the copy, and goes forward again with the same cohorts', async () => {
    const t = await startInCanary();
    const before = (await t.get<{ slices: object[] }>('/v1/routes', PEER_TOKEN)).body.slices[0];
    expect(before).toMatchObject({ share: 0.5, rolledBack: false, salt: 'reviews' });
    Object.assign(t.feed.broken, { service: 'gone', source: 'gone', caughtUp: 'gone' });
    await t.verb('pause', { reason: 'looking' });
    const { body } = await t.verb('rollback', { reason: 'stars look wrong' });
    expect(body).toMatchObject({ from: 'canary 50 %', to: 'syncing' });
    const routes = await t.get<{ slices: object[] }>('/v1/routes', PEER_TOKEN);
    expect(routes.body.slices[0]).toMatchObject({ share: 0, rolledBack: true, salt: 'reviews' });

    Object.assign(t.feed.broken, { service: null, source: null, caughtUp: null });
    expect((await t.verb('advance')).body.error.code).toBe('paused');
    await t.verb('resume');
    await t.tickUntil(async () => (await t.slice()).inSync);
    expect((await t.verb('advance')).body.to).toBe('canary 10 %');
    expect(t.feed.calls.filter((call) => call.startsWith('requestTableSnapshot'))).toHaveLength(1);
    const after = await t.get<{ slices: object[] }>('/v1/routes', PEER_TOKEN);
    expect(after.body.slices[0]).toMatchObject({ share: 0.1, rolledBack: false, salt: 'reviews' });
  });

  test('names no next step that would be refused: it is waited for while a gate stands against it', async () => {
    const t = await startInCanary();
    t.feed.lag = { p50Ms: 100, p99Ms: 9_000, samples: 60 };
    await t.control.tick();
    const back = await t.verb('rollback', { reason: 'stars look wrong' });
    expect(back.body.next_steps).toEqual([
      'banyan status --watch',
      'banyan status',
      'banyan rollback reviews --reason "..."',
    ]);
    expect((await t.get<{ next_steps: string[] }>('/v1/status')).body.next_steps).toEqual(
      back.body.next_steps,
    );
    const refused = await t.verb('advance');
    expect([refused.status, refused.body.error.code]).toEqual([409, 'gate-failed']);

    t.feed.lag = { p50Ms: 50, p99Ms: 90, samples: 60 };
    await t.control.tick();
    const { body } = await t.get<{ next_steps: string[] }>('/v1/status');
    expect(body.next_steps[0]).toBe('banyan advance reviews');
    expect((await t.verb('advance')).status).toBe(200);
  });

  test('does not wait for anybody who does not answer', async () => {
    const t = await startInCanary();
    t.feed.copy.sync = () => new Promise(() => undefined);
    t.feed.onCatchUp = () => new Promise(() => undefined);
    expect((await t.verb('route', { share: 0.1, reason: 'less' })).body.to).toBe('canary 10 %');
    expect((await t.verb('rollback', { reason: 'all of it' })).body.to).toBe('syncing');
  });

  test('takes the tables out of the feed once the copy is given up, also if the database is down at first', async () => {
    const t = await start();
    await t.toSyncedCopy();
    t.feed.broken.source = 'the database is starting up';
    expect((await t.verb('rollback', { reason: 'not today' })).body.to).toBe('monolith');
    await t.tickUntil(async () => (await t.slice()).activity?.includes('starting up') ?? false);
    t.feed.broken.source = null;
    await t.tickUntil(() => t.feed.calls.includes('removeTables public.reviews'));
    await t.tickUntil(async () => (await t.slice()).activity === null);
  });

  test('does not wait for a step that it makes pointless', async () => {
    const t = await start();
    await t.verb('advance');
    await t.tickUntil(() => t.feed.calls.length >= 3);
    const reached = Promise.withResolvers<undefined>();
    t.feed.onCatchUp = () => {
      reached.resolve(undefined);
      return new Promise(() => undefined);
    };
    t.feed.completeSnapshot();
    const tick = t.control.tick();
    await reached.promise;
    expect((await t.verb('rollback', { reason: 'not today' })).status).toBe(200);
    await tick;
    expect((await t.slice()).phase).toBe('monolith');
  });
});

describe('the guard of a canary', () => {
  test('takes the reads back when a gate fails for longer than the grace', async () => {
    const t = await startInCanary();
    t.feed.lag = { p50Ms: 5_000, p99Ms: 9_000, samples: 60 };
    await t.control.tick();
    t.clock.advance(GRACE_MS);
    await t.control.tick();
    expect((await t.slice()).phase).toBe('canary');
    t.clock.advance(1_000);
    await t.control.tick();
    expect((await t.slice()).phase).toBe('syncing');
    const entry = (await t.journal()).at(-1);
    expect(entry).toMatchObject({ by: 'gate', verb: 'rollback', from: 'canary 50 %', to: 'syncing' });
    expect(entry?.reason).toMatch(/lag \(fail\): .* changes of the last minute \(limit 2 s\)/);
    expect(entry?.evidence.some(({ gate, verdict }) => gate === 'lag' && verdict === 'fail')).toBe(true);
    const routes = await t.get<{ slices: object[] }>('/v1/routes', PEER_TOKEN);
    expect(routes.body.slices[0]).toMatchObject({ share: 0, rolledBack: true });
  });

  test('takes the reads back when the service is gone for longer than the grace', async () => {
    const t = await startInCanary();
    t.feed.broken.service = 'ECONNREFUSED';
    await t.tickUntil(async () => (await t.slice()).phase === 'syncing');
    expect((await t.journal()).at(-1)?.reason).toContain('service-reachable (fail)');
    expect(await t.slice()).toMatchObject({ inSync: false, sync: null, service: { reachable: false } });
  });

  test('takes them back while paused too', async () => {
    const t = await startInCanary();
    await t.verb('pause', { reason: 'looking' });
    t.feed.quarantined = 1;
    await t.tickUntil(async () => (await t.slice()).phase === 'syncing');
  });

  test('does not count the time that it slept itself', async () => {
    const t = await startInCanary();
    t.feed.quarantined = 1;
    await t.control.tick();
    t.clock.advance(GRACE_MS * 100);
    await t.control.tick();
    expect((await t.slice()).phase).toBe('canary');
  });

  test('lets a short trouble go', async () => {
    const t = await startInCanary();
    for (let round = 0; round < 5; round += 1) {
      t.feed.quarantined = round % 2;
      t.clock.advance(GRACE_MS - 1_000);
      await t.control.tick();
    }
    expect(await t.slice()).toMatchObject({ phase: 'canary', paused: null });
  });

  test('pauses for a person when it cannot judge, once', async () => {
    const t = await startInCanary();
    t.feed.lag = null;
    await t.tickUntil(async () => (await t.slice()).paused !== null);
    expect(await t.slice()).toMatchObject({ phase: 'canary', share: 0.5, paused: { by: 'gate' } });
    const before = (await t.journal()).length;
    for (let round = 0; round < 20; round += 1) {
      t.clock.advance(1_000);
      await t.control.tick();
    }
    expect(await t.journal()).toHaveLength(before);
  });

  test('verifies again and again, so that the last verification never gets too old', async () => {
    const t = await startInCanary();
    const first = (await t.slice()).verification?.finishedAtMs ?? 0;
    for (let minute = 0; minute < 20; minute += 1) {
      t.clock.advance(60_000);
      const isCaughtUp = async (): Promise<boolean> =>
        (await t.slice()).gates.some(({ gate, verdict }) => gate === 'caught-up' && verdict === 'pass');
      await t.tickUntil(isCaughtUp, 1);
    }
    const slice = await t.slice();
    expect(slice).toMatchObject({ phase: 'canary', paused: null });
    expect(slice.verification?.finishedAtMs).toBeGreaterThan(first + 600_000);
  });
});

describe('route', () => {
  test('sets the share by hand, and refuses what data forbids with every reason', async () => {
    const t = await start();
    const early = await t.verb('route', { share: 0.3, reason: 'try' });
    expect(early.body.error.evidence.join()).toContain('no copy of the data');
    await t.toSyncedCopy();
    expect((await t.verb('route', { share: 0.3, reason: 'try' })).body.to).toBe('canary 30 %');
    t.feed.quarantined = 2;
    t.feed.lag = { p50Ms: 900, p99Ms: 9_000, samples: 60 };
    const refused = await t.verb('route', { share: 0.4, reason: 'more' });
    expect(refused.status).toBe(409);
    expect(refused.body.error.evidence).toHaveLength(2);
    expect((await t.verb('route', { share: 0, reason: 'less' })).body.to).toBe('canary 0 %');
  });
});

describe('after a restart', () => {
  test('goes on where a copy was left half done', async () => {
    const first = await start();
    await first.verb('advance');
    await first.control.tick();
    await first.close();
    const { store, feed, clock } = first;
    const second = await start({ store, feed, clock });
    feed.completeSnapshot();
    await second.tickUntil(async () => (await second.slice()).inSync);
    expect(feed.calls.filter((call) => call.startsWith('requestTableSnapshot'))).toHaveLength(1);
  });

  test('makes the start of a copy again when it was killed before that was written down', async () => {
    const first = await start();
    await first.verb('advance');
    const { store, feed, clock } = first;
    const commit = store.commit.bind(store);
    store.commit = () => Promise.reject(new Error('killed'));
    await first.control.tick();
    await first.close();
    store.commit = commit;
    const second = await start({ store, feed, clock });
    await second.tickUntil(() => feed.calls.filter((call) => call.startsWith('request')).length === 2);
    feed.completeSnapshot();
    await second.tickUntil(async () => (await second.slice()).inSync);
  });

  test('publishes a higher version than ever before', async () => {
    const first = await start();
    await first.verb('advance');
    const before = (await first.get<{ version: number }>('/v1/routes', PEER_TOKEN)).body;
    const second = await start({ store: first.store, feed: first.feed, clock: first.clock });
    const after = (await second.get('/v1/routes', PEER_TOKEN)).body;
    expect(routesSnapshotSchema.parse(after).version).toBeGreaterThan(before.version);
  });
});

test('the trouble of one slice does not hold up another', async () => {
  const t = await start({ slices: [createTestSlice(), createTestSlice('carts', 'public.carts')] });
  t.feed.bus.append = (records) =>
    records.some(({ topic }) => topic.includes('reviews'))
      ? Promise.reject(new Error('disk full'))
      : Promise.resolve();
  await t.verb('advance');
  await t.post('/v1/slices/carts/advance', { by: 'tester' });
  await t.tickUntil(() => t.feed.calls.includes('requestTableSnapshot public.carts'));
  expect((await t.slice()).activity).toContain('disk full');
});

test('two control planes on one store: of two steps from one epoch, one is made', async () => {
  const first = await startInCanary();
  const second = await start({ store: first.store, feed: first.feed, clock: first.clock });
  await second.control.tick();
  await second.control.tick();
  const answers = await Promise.all([first.verb('advance'), second.verb('advance')]);
  expect(answers.map(({ status }) => status).sort()).toEqual([200, 409]);
  const codes = answers.flatMap(({ status, body }) => (status === 409 ? [body.error.code] : []));
  expect(['epoch-conflict', 'nothing-to-do']).toContain(codes[0]);
  expect((await first.slice()).share).toBe(1);
});

test('a control plane that slept does not empty a copy that is no longer its to make', async () => {
  const t = await start();
  const other = await start({ store: t.store, feed: t.feed, clock: t.clock });
  await t.verb('advance');
  const ensureTables = t.feed.source.ensureTables.bind(t.feed.source);
  t.feed.source.ensureTables = async (...asked) => {
    await ensureTables(...asked);
    await other.verb('rollback', { reason: 'meanwhile' });
  };
  await t.control.tick();
  expect(t.feed.calls).toEqual(['ensureTables public.reviews']);
  expect((await t.slice()).phase).toBe('monolith');
});

test('a step that was asked for is not made from a state that somebody else has moved on meanwhile', async () => {
  const t = await start();
  await t.toSyncedCopy();
  await t.verb('advance');
  const other = await start({ store: t.store, feed: t.feed, clock: t.clock });
  const sync = t.feed.copy.sync.bind(t.feed.copy);
  let isFirst = true;
  t.feed.copy.sync = async (signal) => {
    if (isFirst) {
      isFirst = false;
      expect((await other.verb('advance')).body.to).toBe('canary 50 %');
    }
    return sync(signal);
  };
  const { status, body } = await t.verb('advance');
  expect([status, body.error.code]).toEqual([409, 'epoch-conflict']);
  expect(body.error.evidence).toEqual(['wanted: canary 10 %, as when it was asked for; got: canary 50 %']);
  expect((await t.slice()).share).toBe(0.5);
});

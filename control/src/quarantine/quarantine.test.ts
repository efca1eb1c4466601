import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import {
  quarantineListResponseSchema,
  quarantineRetryResponseSchema,
  quarantineSkipResponseSchema,
  type HeldQueueReport,
  type Problem,
} from '@banyan/contracts';
import { NotCaughtUpError, ServiceCopyError } from '@banyan/cdc/verify';
import { SourceTableError } from '@banyan/cdc/capture';
import { startTestControl, type TestControl } from '../../testing/test-control.ts';

let t: TestControl;
beforeEach(async () => {
  t = await startTestControl();
});
afterEach(() => t.close());

const held = (key: string[] | null, change: Partial<HeldQueueReport> = {}): HeldQueueReport => ({
  table: 'public.reviews',
  key,
  offset: 7,
  reason: 'CHECK constraint failed',
  heldSinceMs: 5,
  waiting: 2,
  rereadSinceMs: null,
  lacksValue: false,
  payload: { kind: 'none' },
  ...change,
});
const effects = (): string[] => t.feed.calls.filter((call) => /Held|readHeld/.test(call));
const post = (verb: string, body: object) =>
  t.post<Problem>(`/v1/slices/reviews/quarantine/${verb}`, { by: 'tester', ...body });

describe('the list', () => {
  test('is told as the service tells it, with the ways out', async () => {
    t.feed.held = [held(["it's"]), held(null)];
    const { body } = await t.get('/v1/slices/reviews/quarantine?limit=20');
    expect(quarantineListResponseSchema.parse(body)).toMatchObject({
      records: 6,
      queues: [{ key: ["it's"] }, { key: null }],
      next_steps: [
        'banyan quarantine retry reviews --all --dry-run',
        `banyan quarantine skip reviews --table public.reviews --key 'it'\\''s' --reason "..."`,
        'banyan resync reviews --reason "records of no readable key"',
      ],
    });
  });

  test.each(['service-unreachable', 'service-failed', 'service-refused', 'service-answer-invalid'] as const)(
    'cannot be told by a service that fails with %s, and that is said',
    async (code) => {
      t.feed.copy.quarantine = () => Promise.reject(new ServiceCopyError(code, 'ECONNREFUSED'));
      const { status, body } = await t.get<Problem>('/v1/slices/reviews/quarantine');
      expect([status, body.error.code, body.error.evidence]).toEqual([502, code, ['ECONNREFUSED']]);
    },
  );
});

describe('retry', () => {
  test('replays one key or everything, and the journal says who and why', async () => {
    t.feed.held = [held(['17']), held(['18'])];
    t.feed.refused.set('18', 'still');
    const { body } = await post('retry', { reason: 'CHECK dropped' });
    expect(quarantineRetryResponseSchema.parse(body)).toMatchObject({
      applied: 1,
      refused: 1,
      dryRun: false,
      journalId: 1,
      next_steps: ['banyan quarantine list reviews'],
    });
    await post('retry', { key: ['17'] });
    expect(effects()).toEqual(['retryHeld all', 'readHeld public.reviews [["18"]]', 'retryHeld 17']);
    expect((await t.journal()).map(({ by, verb, reason, from, to }) => [by, verb, reason, from, to])).toEqual(
      [
        ['tester', 'quarantine retry of everything in quarantine', 'CHECK dropped', 'monolith', 'monolith'],
        ['tester', 'quarantine retry of public.reviews [17]', null, 'monolith', 'monolith'],
      ],
    );
  });

  test('reads the rows again whose events are refused still, and tells those that were released by that', async () => {
    t.feed.held = [held(['17']), held(['18']), held(['19'])];
    t.feed.refused.set('18', 'the event has no column "title"').set('19', 'a CHECK refuses it');
    t.feed.onReadAgain = () => (t.feed.held = [held(['19'])]);
    const { body } = await post('retry', {});
    expect(effects()).toEqual(['retryHeld all', 'readHeld public.reviews [["18"],["19"]]']);
    expect(quarantineRetryResponseSchema.parse(body)).toMatchObject({
      applied: 2,
      refused: 1,
      queues: [{ refusedBecause: null }, { refusedBecause: null }, { refusedBecause: 'a CHECK refuses it' }],
    });
  });

  test('as a dry run leaves no trace', async () => {
    t.feed.held = [held(['17'])];
    const { body } = await post('retry', { dryRun: true });
    expect(quarantineRetryResponseSchema.parse(body)).toMatchObject({
      applied: 1,
      dryRun: true,
      journalId: null,
    });
    expect(effects()).toEqual(['retryHeld all dry']);
    expect(await t.journal()).toEqual([]);
  });

  test.each<[string, object, number, string]>([
    ['nothing is in quarantine', {}, 409, 'nothing is in quarantine'],
    ['the key is not in quarantine', { key: ['9'] }, 409, 'no record of [9] is in quarantine'],
    ['the table is none of the slice', { key: ['9'], table: 'public.x' }, 409, 'its tables: public.reviews'],
    ['a table comes without a key', { table: 'public.reviews' }, 400, 'a table alone is not enough'],
  ])('is refused when %s', async (_, body, status, reason) => {
    const answer = await post('retry', body);
    expect([answer.status, answer.body.error.evidence.join()]).toEqual([
      status,
      expect.stringContaining(reason),
    ]);
    expect([effects(), await t.journal()]).toEqual([[], []]);
  });
});

describe('skip', () => {
  /** The row that is read again releases the queue at the given attempt. */
  function releaseAt(attempt: number): void {
    let attempts = 0;
    t.feed.onReadAgain = () => {
      attempts += 1;
      if (attempts === attempt) t.feed.held = [];
    };
  }

  test('writes down who and why, then reads the row again, and tells that its records are released', async () => {
    t.feed.held = [held(['17'])];
    let journaled = 0;
    releaseAt(1);
    const readHeld = t.feed.rowReread.readHeld.bind(t.feed.rowReread);
    t.feed.rowReread.readHeld = async (...asked) => {
      journaled = (await t.journal()).length;
      return await readHeld(...asked);
    };
    const { body } = await post('skip', { key: ['17'], reason: 'not worth a migration' });
    expect(quarantineSkipResponseSchema.parse(body)).toMatchObject({
      table: 'public.reviews',
      key: ['17'],
      records: 3,
      outcome: 'let-go',
      journalId: 1,
    });
    expect(effects()).toEqual(['readHeld public.reviews [["17"]]']);
    expect(journaled).toBe(1);
    expect(await t.journal()).toMatchObject([
      { by: 'tester', verb: 'quarantine skip of public.reviews [17]', reason: 'not worth a migration' },
    ]);
  });

  test('reads a row again that was changed meanwhile, and gives up after three times', async () => {
    t.feed.held = [held(['17'])];
    releaseAt(3);
    expect((await post('skip', { key: ['17'], reason: 'r' })).body).toMatchObject({ outcome: 'let-go' });
    expect(effects()).toHaveLength(3);
    t.feed.held = [held(['17'])];
    releaseAt(9);
    expect((await post('skip', { key: ['17'], reason: 'r' })).body).toMatchObject({ outcome: 'held' });
    expect(effects()).toHaveLength(6);
  });

  test.each([
    ['not-caught-up', 'under-way'],
    ['copy-quarantined', 'held'],
  ] as const)('of a copy that is %s is %s', async (code, outcome) => {
    t.feed.held = [held(['17'])];
    t.feed.onCatchUp = () => Promise.reject(new NotCaughtUpError(code, 'other keys, or too slow'));
    expect((await post('skip', { key: ['17'], reason: 'r' })).body).toMatchObject({ outcome });
  });

  test('as a dry run, without a reason, or of what is not in quarantine does nothing', async () => {
    t.feed.held = [held(['17'])];
    const dry = await post('skip', { key: ['17'], reason: 'r', dryRun: true });
    expect(quarantineSkipResponseSchema.parse(dry.body)).toMatchObject({
      records: 3,
      outcome: null,
      journalId: null,
    });
    expect((await post('skip', { key: ['17'] })).status).toBe(400);
    expect((await post('skip', { key: ['9'], reason: 'r' })).status).toBe(409);
    expect([effects(), await t.journal()]).toEqual([[], []]);
  });

  test('that fails at the source leaves the key in quarantine and can be asked for again', async () => {
    t.feed.held = [held(['17'])];
    t.feed.broken.source = 'ECONNREFUSED';
    expect((await post('skip', { key: ['17'], reason: 'r' })).status).toBe(500);
    t.feed.broken.source = null;
    releaseAt(1);
    expect((await post('skip', { key: ['17'], reason: 'again' })).body).toMatchObject({ outcome: 'let-go' });
  });

  test('of a row that cannot be read says why, and what is left', async () => {
    t.feed.held = [held(['17'])];
    t.feed.rowReread.readHeld = () => Promise.resolve('a transaction does not end');
    const { status, body } = await post('skip', { key: ['17'], reason: 'r' });
    expect([status, body.error.code, body.error.evidence]).toEqual([
      409,
      'not-possible',
      ['a transaction does not end'],
    ]);
    expect(body.error.next_steps.join()).toMatch(/banyan resync reviews/);
  });
});

test('the gate names what is in quarantine, and how to look at it', async () => {
  await t.toSyncedCopy();
  t.feed.quarantined = 7;
  t.feed.heldKeys = ['1', '2', '3', '4', '5', '6'].map((key) => [key]);
  await t.control.tick();
  const gate = (await t.slice()).gates.find((each) => each.gate === 'quarantine');
  expect(gate).toMatchObject({
    verdict: 'fail',
    got: '7 records: public.reviews [1] [2] [3] [4] [5] ...',
    remedy: 'banyan quarantine list reviews',
  });
});

describe('before anything is copied', () => {
  test('every problem of both sides is named at once, and nothing is begun', async () => {
    t.feed.sourceTable = { key: ['uid'], columns: { id: 'numeric' } };
    t.feed.storeReport = {
      kind: 'sqlite',
      tables: t.feed.storeReport.tables.map((table) => ({ ...table, uniqueKeys: [] })),
    };
    const { status, body } = await t.verb('advance');
    expect(status).toBe(409);
    const evidence = body.error.evidence.join('\n');
    expect(evidence).toMatch(/primary key is \(uid\)/);
    expect(evidence).toMatch(/public\.reviews\.id \(numeric\) -> review\.review_id \(INTEGER\): .*use TEXT/);
    expect(evidence).toMatch(/review has no primary key or unique index/);
    expect((await t.slice()).phase).toBe('monolith');
  });

  test('a service that cannot be asked about its store is no pass', async () => {
    t.feed.copy.store = () => Promise.reject(new Error('no answer'));
    const { body } = await t.verb('advance');
    expect(body.error.evidence.join()).toMatch(/could not be checked: the service: no answer/);
  });

  test('tables that the source cannot give do not hide the problems of the others', async () => {
    const unfit = new SourceTableError([{ table: 'public.reviews', problem: 'no-primary-key' }]);
    t.feed.source.describeTables = () => Promise.reject(unfit);
    t.feed.storeReport = { kind: 'sqlite', tables: [] };
    const { body } = await t.verb('advance');
    const evidence = body.error.evidence.join();
    expect(evidence).toMatch(/it has no primary key/);
    expect(evidence).toMatch(/the service has no table "review"/);
  });
});

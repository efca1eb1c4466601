import { afterEach, expect, test } from '@jest/globals';
import { statusReportSchema, type StatusReport } from '@banyan/contracts';
import { startTestControl, type TestControl } from '../../testing/test-control.ts';

const TABLE = 'public.outbox';
const JOINING = `ensureTables ${TABLE}`;
let running: TestControl | undefined;
afterEach(() => running?.close());

async function start(outboxTable?: string): Promise<TestControl> {
  running = await startTestControl(outboxTable === undefined ? {} : { outboxTable });
  return running;
}

async function outbox(t: TestControl): Promise<StatusReport['feed']['outbox']> {
  return statusReportSchema.parse((await t.get<StatusReport>('/v1/status')).body).feed.outbox;
}

function joinings({ feed }: TestControl): number {
  return feed.calls.filter((call) => call === JOINING).length;
}

test('the outbox joins the feed once, and again only when the feed has lost it', async () => {
  const t = await start(TABLE);
  expect(await outbox(t)).toEqual({ table: TABLE, problem: 'it is not in the feed yet' });
  await t.control.tick();
  await t.control.tick();
  expect(joinings(t)).toBe(1);
  expect(await outbox(t)).toEqual({ table: TABLE, problem: null });
  t.feed.membership = 'another publication';
  await t.control.tick();
  expect(joinings(t)).toBe(2);
});

test('what keeps it out is told, all of it on one line, and it is tried again', async () => {
  const t = await start(TABLE);
  t.feed.broken.source = 'The feed cannot carry:\n  - a: one thing\n  - b: another';
  await t.control.tick();
  expect((await outbox(t))?.problem).toBe('The feed cannot carry: a: one thing b: another');
  t.feed.broken.source = null;
  await t.control.tick();
  expect((await outbox(t))?.problem).toBeNull();
});

const readmit = (t: TestControl): ReturnType<TestControl['post']> =>
  t.post('/v1/outbox/readmit', { by: 'tester', reason: 'the event is deleted' });

test('one that was taken out is asked for again by a command; what still keeps it out is answered', async () => {
  const t = await start(TABLE);
  t.feed.membership = `publication=1/7 ${TABLE}=absent`;
  t.feed.refusal = 'a record of 40,000,000 bytes is larger than 33,554,432 bytes';
  await t.control.tick();
  expect(await readmit(t)).toMatchObject({
    status: 200,
    body: { outbox: { table: TABLE, problem: expect.stringContaining('40,000,000') } },
  });
  t.feed.refusal = null;
  expect(await readmit(t)).toMatchObject({ status: 200, body: { outbox: { table: TABLE, problem: null } } });
  expect(t.feed.calls.filter((call) => call === `removeTables ${TABLE}`)).toHaveLength(2);
});

test('one that is in the feed is left there, whatever its last look said', async () => {
  const t = await start(TABLE);
  await t.control.tick();
  t.feed.membership = `publication=1/7 ${TABLE}=1/2`;
  expect(await readmit(t)).toMatchObject({ status: 409, body: { error: { code: 'outbox-in-feed' } } });
  expect(t.feed.calls).not.toContain(`removeTables ${TABLE}`);
});

test('without an outbox there is nothing to ask for', async () => {
  expect(await readmit(await start())).toMatchObject({ status: 409, body: { error: { code: 'no-outbox' } } });
});

test('without the setting there is none', async () => {
  const t = await start();
  await t.control.tick();
  expect(await outbox(t)).toBeNull();
  expect(joinings(t)).toBe(0);
});

test('a table that a slice copies cannot be the outbox', async () => {
  await expect(startTestControl({ outboxTable: 'public.reviews' })).rejects.toThrow(
    'a table of the slice reviews',
  );
});

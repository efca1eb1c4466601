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

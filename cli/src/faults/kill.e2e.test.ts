import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { JournalEntry, StatusReport, VerificationResponse } from '@banyan/contracts';
import createKnex from 'knex';
import pg from 'pg';
import { Reviewer } from './reviewer.ts';
import { describeSkip } from './skip-contract.ts';
import { anyLag, Stack, until } from './stack.ts';

/** Everything happens while customers use the shop and a reviewer writes; all reads of reviews come from the service. */
const stack = new Stack({ gates: anyLag });
let reviewer: Reviewer;
const writing = new AbortController();
let written: Promise<void>;

beforeAll(async () => {
  const { shopUrl } = await stack.up('--customers', '3');
  await stack.json('advance', 'reviews', '--wait');
  await takeAllReads();
  reviewer = new Reviewer(shopUrl, stack.secret('override.token'));
  written = reviewer.writeUntil(writing.signal);
}, 180_000);

afterAll(async () => {
  writing.abort();
  await stack.close();
}, 180_000);

function takeAllReads(): Promise<unknown> {
  return stack.json('route', 'reviews', '--share', '100%', '--reason', 'test', '--wait');
}

async function serviceTakesAllReads(): Promise<void> {
  await until('the copy is in sync and takes all reads', async () => {
    const slice = await stack.slice();
    return slice.inSync && slice.phase === 'canary' && slice.share === 1;
  });
}

/** Waits until customers have sent another `count` requests and said so: their totals come once a second. */
async function customersGoOn(count: number): Promise<void> {
  const { requests } = await customers();
  await until('customers went on', async () => (await customers()).requests > requests + count);
}

async function customers(): Promise<{ requests: number; errors: number; staleReads: number }> {
  const { customers: totals } = await stack.status();
  if (!totals) throw new Error('no customers');
  return totals;
}

describe.each(['reviews', 'reader', 'control'])('when %s is killed with SIGKILL under load', (name) => {
  test('customers notice nothing, and the copy catches up', async () => {
    await serviceTakesAllReads();
    const before = await customers();
    await stack.killAndWait(name);
    await serviceTakesAllReads();
    await customersGoOn(50);
    const after = await customers();
    expect({ errors: after.errors, staleReads: after.staleReads }).toEqual({
      errors: before.errors,
      staleReads: before.staleReads,
    });
  }, 180_000);
});

test('when the proxy is killed it comes back with its routes, and no answer is stale afterwards', async () => {
  await serviceTakesAllReads();
  await stack.killAndWait('proxy');
  await serviceTakesAllReads();
  // Nobody answered while it was away, and the errors of that moment are reported up to a second later.
  await customersGoOn(20);
  const before = await customers();
  await customersGoOn(50);
  const after = await customers();
  expect(after.errors).toBe(before.errors);
  expect(after.staleReads).toBe(before.staleReads);
}, 180_000);

test('when PostgreSQL is killed and comes back, the feed goes on where it was', async () => {
  await serviceTakesAllReads();
  await stack.killAndWait('postgres');
  await until('the copy is in sync', async () => (await stack.slice()).inSync);
  const count = reviewer.acknowledged.length;
  await until('reviews are written again', () => reviewer.acknowledged.length > count + 10);
}, 180_000);

async function dropSlot(): Promise<boolean> {
  const client = new pg.Client(stack.secret('source.url'));
  client.on('error', () => undefined); // a lost connection fails the query that waits, and that is enough
  await client.connect();
  try {
    await client.query(
      `SELECT pg_terminate_backend(active_pid, 5000) FROM pg_replication_slots WHERE active`,
    );
    await client.query(`SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots`);
    return true;
  } finally {
    await client.end();
  }
}

test('when somebody drops the slot of the feed, reads go back, the copy is resynced, and is equal again', async () => {
  await serviceTakesAllReads();
  const before = await stack.json<{ entries: JournalEntry[] }>('journal');
  const lastId = before.entries.at(-1)?.id ?? 0;
  // As often as it takes: the reader connects again at once.
  await until('the slot is dropped', dropSlot);
  await until('the copy is resynced', async () => {
    const { entries } = await stack.json<{ entries: JournalEntry[] }>('journal');
    return entries.some(({ id, verb }) => id > lastId && verb === 'resync');
  });
  const { entries } = await stack.json<{ entries: JournalEntry[] }>('journal');
  const resync = entries.find(({ id, verb }) => id > lastId && verb === 'resync');
  expect(resync).toMatchObject({ by: 'feed', to: 'syncing' });
  expect(resync?.reason).toMatch(/slot \w+ was dropped/);
  await until('the new copy is verified', async () => {
    const slice = await stack.slice();
    return slice.inSync && slice.verification !== null;
  });
  const { report } = await stack.status();
  expect(report?.slices[0]).toMatchObject({ phase: 'syncing', verification: { differences: 0 } });
  expect(report?.feed).toMatchObject({ state: 'running', incarnation: 2 });
}, 180_000);

test('after all that nothing acknowledged is lost, and both sides are equal', async () => {
  writing.abort();
  await written;
  expect(reviewer.acknowledged.length).toBeGreaterThan(100);
  // The gates may have taken the reads back, and let them go again only when the lag of the last minute is small.
  await until(
    'the service takes reads',
    async () => {
      if ((await stack.slice()).phase === 'syncing') await takeAllReads();
      return (await stack.slice()).phase === 'canary';
    },
    120_000,
  );
  await stack.json('verify', 'reviews', '--wait');
  const { verification } = await stack.slice();
  expect(verification).toMatchObject({ differences: 0, examples: [] });
  await until('the service lists every acknowledged review', async () => {
    expect(await reviewer.missingInService()).toEqual([]);
    return true;
  });
}, 240_000);

test('rows that the service has lost are found, told by the exit code, and repaired', async () => {
  const store = createKnex({
    client: 'sqlite3',
    useNullAsDefault: true,
    connection: { filename: stack.home.file('reviews.sqlite') },
  });
  await store.raw('PRAGMA busy_timeout = 10000');
  await store.raw('DELETE FROM review WHERE review_id IN (1, 2)');
  await store.destroy();
  const found = await stack.banyan(['verify', 'reviews']);
  expect([found.code, found.stdout]).toEqual([1, expect.stringMatching(/missing +\[1\]\n +missing +\[2\]/)]);
  const rehearsed = await stack.banyan(['verify', 'reviews', '--repair', '--reason', 'lost', '--dry-run']);
  expect([rehearsed.code, rehearsed.stdout]).toEqual([
    0,
    expect.stringContaining('public.reviews: 2 missing'),
  ]);
  expect((await stack.banyan(['verify', 'reviews', '--repair'])).code).toBe(2); // without a reason
  expect((await stack.banyan(['verify', 'reviews'])).code).toBe(1);
  const { report } = await stack.json<VerificationResponse>(
    'verify',
    'reviews',
    '--repair',
    '--reason',
    'lost',
  );
  expect(report).toMatchObject({ state: 'finished', differences: 0, repaired: 2 });
}, 180_000);

test('while the feed is stopped, `status` does not say that the copy is in sync', async () => {
  await serviceTakesAllReads();
  const pid = stack.pid('reader');
  process.kill(pid, 'SIGSTOP');
  try {
    await until('the status says so', async () => !(await stack.slice()).inSync, 30_000);
    await until('the gates took the reads back', async () => (await stack.slice()).share === 0, 60_000);
    const { control } = await stack.json<{ control: StatusReport }>('status');
    expect(control.feed.state).not.toBe('running');
    expect(control.slices[0]?.inSync).toBe(false);
  } finally {
    process.kill(pid, 'SIGCONT');
  }
  await until('the copy is in sync again', async () => (await stack.slice()).inSync);
}, 180_000);

describeSkip(stack);

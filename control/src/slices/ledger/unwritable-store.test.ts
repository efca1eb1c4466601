import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openSqliteFile } from '@banyan/kit/sqlite';
import type { ProxyReport, RoutesSnapshot, StatusReport } from '@banyan/contracts';
import { openSqliteStore } from '../../open-store.ts';
import { PEER_TOKEN, startTestControl, type TestControl } from '../../../testing/test-control.ts';

let folder: string;
let file: string;
let t: TestControl;
let store: Awaited<ReturnType<typeof openSqliteStore>>;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'banyan-control-'));
  file = join(folder, 'control.sqlite');
  store = await openSqliteStore({ file });
  t = await startTestControl({ store });
  await t.toSyncedCopy();
  expect((await t.verb('advance', { share: undefined })).status).toBe(200);
});
afterEach(async () => {
  await t.close();
  await store.close();
  await rm(folder, { recursive: true });
});

/** Another process holds the write lock: a backup that hangs, say. @returns what lets go of it. */
async function lockStore(): Promise<() => Promise<void>> {
  const other = await openSqliteFile({ file });
  await other.raw('BEGIN IMMEDIATE');
  return () => other.destroy();
}

const routes = async () => (await t.get<RoutesSnapshot>('/v1/routes', PEER_TOKEN)).body;
const status = async () => (await t.get<StatusReport>('/v1/status')).body;
const shareOf = (snapshot: RoutesSnapshot) => snapshot.slices[0]?.share;
const rollback = () => t.verb('rollback', { reason: 'wrong stars' });

function reportOf(version: number, askedShare: number): ProxyReport {
  const side = { requests: 0, errors: 0, p50Ms: null, p95Ms: null };
  const counts = { eligible: 0, servedByService: 0 };
  return {
    proxyId: 'proxy-1',
    adminUrl: 'http://127.0.0.1:1',
    publicUrl: 'http://127.0.0.1:2',
    startedAtMs: 1,
    snapshotVersion: version,
    requests: 0,
    clientErrors: 0,
    slices: [
      {
        slice: 'reviews',
        askedShare,
        sinceShareChange: counts,
        byReason: {},
        withoutKey: 0,
        monolith: side,
        service: side,
        breaker: 'closed',
      },
    ],
  };
}

describe('while the store cannot be written', () => {
  test('a rollback is in force at once, says that it is not journaled, and is written later', async () => {
    const before = await routes();
    expect(shareOf(before)).toBeGreaterThan(0);
    const unlock = await lockStore();

    const { status: code, body } = await rollback();
    expect(code).toBe(200);
    expect(body).toMatchObject({ to: 'syncing', journalId: null });
    expect(body.unwritten).toEqual(expect.any(String));
    const published = await routes();
    expect(shareOf(published)).toBe(0);
    expect(published.version).toBeGreaterThan(before.version);
    const { problems, slices } = await status();
    expect(problems[0]).toMatch(/the rollback of reviews by .* is in force, but NOT in the journal yet/);
    expect(slices[0]).toMatchObject({ phase: 'syncing', share: 0 });
    expect((await t.journal()).map(({ verb }) => verb)).not.toContain('rollback');

    await unlock();
    await t.tickUntil(async () => (await status()).problems.length === 0);
    const rolledBack = (await t.journal()).filter(({ verb }) => verb === 'rollback');
    expect(rolledBack).toMatchObject([{ from: 'canary 10 %', to: 'syncing', reason: 'wrong stars' }]);
    const written = await routes();
    expect(shareOf(written)).toBe(0);
    expect(written.version).toBeGreaterThan(published.version);
    // The next step goes on from it, under a version that every proxy takes.
    expect((await t.verb('advance')).status).toBe(200);
    expect((await routes()).version).toBeGreaterThan(written.version);
  });

  test('no step forward is made, and the answer says why', async () => {
    const unlock = await lockStore();
    const { status: code, body } = await t.verb('advance');
    expect([code, body.error.code]).toEqual([503, 'store-unwritable']);
    expect(body.error.evidence.join()).toContain('SQLITE_BUSY');
    await unlock();
    expect((await t.verb('advance')).status).toBe(200);
  });

  test('a second step of a slice whose first is not written yet waits for it', async () => {
    const unlock = await lockStore();
    expect((await rollback()).status).toBe(200);
    const { status: code, body } = await rollback();
    expect([code, body.error.code]).toEqual([503, 'store-unwritable']);
    await unlock();
    await t.tickUntil(async () => (await status()).problems.length === 0);
    expect((await rollback()).body).toMatchObject({ from: 'syncing', to: 'monolith' });
  });

  test('a gate that fails takes the reads back all the same', async () => {
    const unlock = await lockStore();
    t.feed.beating = false;
    await t.tickUntil(async () => shareOf(await routes()) === 0, 2_000);
    await unlock();
    await t.tickUntil(async () => (await status()).problems.length === 0);
    expect((await t.journal()).at(-1)).toMatchObject({ by: 'gate', verb: 'rollback' });
  });
});

test('a step that another control plane made meanwhile does not undo the rollback', async () => {
  const other = await openSqliteStore({ file });
  const write = store.commit.bind(store);
  store.commit = () => Promise.reject(new Error('SQLITE_FULL: database or disk is full'));
  expect((await rollback()).status).toBe(200);
  const published = await routes();
  const seen = (await other.read()).slices[0];
  if (seen?.phase !== 'canary') throw new Error('not in canary');
  await other.commit({
    expectedEpoch: seen.epoch,
    next: { ...seen, epoch: seen.epoch + 1, share: 1 },
    atMs: 1,
    entry: { by: 'bob', verb: 'advance', from: 'a', to: 'b', reason: null, evidence: [] },
  });
  await other.close();
  store.commit = write;
  await t.tickUntil(async () => (await status()).problems.length === 0);
  expect(shareOf(await routes())).toBe(0);
  expect((await routes()).version).toBeGreaterThan(published.version);
  expect((await t.journal()).at(-1)).toMatchObject({ verb: 'rollback', from: 'canary 100 %' });
});

test('a control plane that ended before it could write the rollback finds it with the proxies', async () => {
  store.commit = () => Promise.reject(new Error('SQLITE_FULL: database or disk is full'));
  expect((await rollback()).status).toBe(200);
  const published = await routes();
  // It ends, and nothing of its memory is left.
  const { feed, clock } = t;
  await t.close();
  await store.close();
  store = await openSqliteStore({ file });
  t = await startTestControl({ store, feed, clock });
  expect(shareOf(await routes())).toBeGreaterThan(0);
  expect((await routes()).version).toBeLessThan(published.version);
  const report = reportOf(published.version, 0);
  expect((await t.post('/v1/proxies/report', report, PEER_TOKEN)).status).toBe(204);
  expect((await status()).problems).toEqual([expect.stringContaining('newer than')]);
  await t.control.tick();
  expect(shareOf(await routes())).toBe(0);
  expect((await routes()).version).toBeGreaterThan(published.version);
  expect((await t.journal()).at(-1)).toMatchObject({ by: 'control', verb: 'rollback' });
});

test('a store that cannot be read is spoken for by memory, and a rollback goes through', async () => {
  store.read = () => Promise.reject(new Error('select 1 - SQLITE_IOERR: disk I/O error'));
  store.commit = () => Promise.reject(new Error('insert - SQLITE_IOERR: disk I/O error'));
  const { problems } = await status();
  expect(problems).toEqual([expect.stringContaining('cannot be read (SQLITE_IOERR: disk I/O error)')]);
  expect((await rollback()).body).toMatchObject({ to: 'syncing', unwritten: 'SQLITE_IOERR: disk I/O error' });
  expect(shareOf(await routes())).toBe(0);
});

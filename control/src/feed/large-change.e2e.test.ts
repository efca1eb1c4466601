/** A rollback and an advance that are asked for at once, while a change of many megabytes is on its way; real processes. */
import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import { createSqliteApplyStore, openSqliteBus, startConsumer, syncRoutes } from '@banyan/cdc/apply';
import { openSqliteFile } from '@banyan/kit/sqlite';
import { startProcess, type TestProcess } from '@banyan/kit/testing';
import {
  defineSlice,
  sliceStatusSchema,
  type JournalEntry,
  type RoutesSnapshot,
  type SliceStatus,
} from '@banyan/contracts';
import { listen, silentLogger } from '@banyan/kit';
import { findFreePort } from '@banyan/postgres';
import express from 'express';
import type { Knex } from 'knex';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { eventually } from '../../testing/eventually.ts';
import { createTestMonolith, type TestMonolith } from '../../testing/test-monolith.ts';
import { PEER_TOKEN } from '../../testing/test-control.ts';

const ROWS = 200;
const LARGE_CHARS = 16_000_000;
const STEP_MS = 120_000;

const slice = defineSlice({
  name: 'reviews',
  title: 'Reviews',
  routes: [{ path: '/reviews' }],
  tables: [
    {
      source: 'public.reviews',
      target: 'review',
      kind: 'owned',
      key: ['id'],
      columns: { id: 'id', body: 'body' },
    },
  ],
  canaryShares: [0.5, 1],
  // The machine may be busy; what is looked at here is what was copied.
  gates: { maxLagMs: 600_000, maxHeartbeatAgeMs: 600_000 },
});

let monolith: TestMonolith;
let copy: Knex;
let reader: TestProcess;
let control: Control;

beforeAll(async () => {
  monolith = await createTestMonolith('large_change');
  await monolith.sql.query('CREATE TABLE public.reviews (id bigint PRIMARY KEY, body text)');
  await monolith.sql.query(`INSERT INTO public.reviews SELECT n, 'good' FROM generate_series(1, ${ROWS}) n`);
  const serviceUrl = await startService();
  reader = monolith.startReader();
  control = await startControl(serviceUrl);
  await control.advance();
  await control.until('the copy is verified', ({ verification }) => verification?.differences === 0);
}, STEP_MS);

afterEach(async () => {
  reader.kill('SIGCONT'); // whatever a test came to
  if (shareOf(await control.routes()) > 0) await control.verb('rollback');
});

afterAll(() => monolith.close());

async function startService(): Promise<string> {
  copy = await openSqliteFile({ file: join(monolith.folder, 'service.sqlite') });
  await copy.raw('CREATE TABLE review (id INTEGER PRIMARY KEY, body TEXT)');
  const bus = await openSqliteBus({ file: monolith.feed.BUS_FILE });
  const store = createSqliteApplyStore({ knex: copy });
  const options = { slice, group: 'reviews', bus, store, prefix: 'shop', logger: silentLogger };
  const consumer = await startConsumer(options);
  const app = express().use(syncRoutes({ consumer, store, peerToken: PEER_TOKEN }));
  const server = await listen(app, { port: 0, graceMs: 100 });
  monolith.onClose(
    () => copy.destroy(),
    () => bus.close(),
    () => consumer.close(),
    () => server.close(),
  );
  return server.url;
}

interface Answer {
  readonly status: number;
  readonly text: string;
}

interface Control {
  verb(verb: string): Promise<Answer>;
  /** Asked for again until its gates pass. */
  advance(): Promise<void>;
  slice(): Promise<SliceStatus>;
  until(what: string, isDone: (slice: SliceStatus) => boolean): Promise<void>;
  journal(): Promise<readonly JournalEntry[]>;
  routes(): Promise<RoutesSnapshot>;
}

async function startControl(serviceUrl: string): Promise<Control> {
  const file = (name: string): string => join(monolith.folder, name);
  await writeFile(file('banyan.config.ts'), `export const config = ${JSON.stringify({ slices: [slice] })}`);
  const port = String(await findFreePort());
  const child = startProcess(new URL('../main.ts', import.meta.url), {
    ...monolith.feed,
    PORT: port,
    STORE_FILE: file('control.sqlite'),
    PEER_TOKEN,
    CONFIG_FILE: file('banyan.config.ts'),
    ADMIN_TOKEN_FILE: file('admin.token'),
    MONOLITH_URL: 'http://127.0.0.1:9',
    SERVICE_URLS: `reviews=${serviceUrl}`,
  });
  const url = `http://127.0.0.1:${port}`;
  await eventually('control is up', async () => {
    if (child.exitCode !== null) throw new Error(child.said());
    return (await fetch(`${url}/healthz`)).ok;
  });
  const adminToken = (await readFile(file('admin.token'), 'utf8')).trim();
  const ask = (path: string, token = adminToken, init: RequestInit = {}): Promise<Response> =>
    fetch(`${url}${path}`, {
      ...init,
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    });
  const verb = async (name: string): Promise<Answer> => {
    const body = JSON.stringify({ by: name, reason: 'a test' });
    const response = await ask(`/v1/slices/reviews/${name}`, adminToken, { method: 'POST', body });
    return { status: response.status, text: await response.text() };
  };
  const status = async (): Promise<SliceStatus> =>
    sliceStatusSchema.parse(await (await ask('/v1/slices/reviews')).json());
  return {
    verb,
    slice: status,
    async advance() {
      const given = async (): Promise<boolean> => {
        const answer = await verb('advance');
        if (answer.status !== 200) throw new Error(answer.text);
        return true;
      };
      await eventually('advance', given, STEP_MS);
    },
    async until(what, isDone) {
      const look = async (): Promise<boolean> => {
        const found = await status();
        if (isDone(found)) return true;
        throw new Error(JSON.stringify(found, null, 1));
      };
      await eventually(what, look, STEP_MS);
    },
    journal: async () => ((await (await ask('/v1/journal')).json()) as { entries: JournalEntry[] }).entries,
    routes: async () => (await (await ask('/v1/routes', PEER_TOKEN)).json()) as RoutesSnapshot,
  };
}

function shareOf({ slices: [first] }: RoutesSnapshot): number {
  return first?.share ?? 0;
}

async function addLarge(id: number): Promise<void> {
  await monolith.sql.query(
    `INSERT INTO public.reviews VALUES ($1, left(repeat('"ä" ', $2::int / 5), $2::int))`,
    [id, LARGE_CHARS],
  );
}

async function untilCopied(id: number): Promise<void> {
  const look = async (): Promise<boolean> =>
    (await copy.raw<object[]>('SELECT 1 FROM review WHERE id = ?', [id])).length > 0;
  await eventually('the change is in the copy', look, STEP_MS);
}

/** The copy has the large rows to the last byte. */
async function expectLarge(ids: readonly number[]): Promise<void> {
  const { rows } = await monolith.sql.query<{ id: string; md5: string }>(
    'SELECT id, md5(body) AS md5 FROM public.reviews WHERE id = ANY ($1) ORDER BY id',
    [ids],
  );
  expect(rows).toHaveLength(ids.length);
  for (const { id, md5 } of rows) {
    const stored = await copy.raw<{ body: string }[]>('SELECT body FROM review WHERE id = ?', [id]);
    const check = await monolith.sql.query<{ md5: string }>('SELECT md5($1::text) AS md5', [stored[0]?.body]);
    expect(check.rows[0]?.md5).toBe(md5);
  }
}

/** No step was taken on top of another. */
async function expectOrderlyJournal(): Promise<void> {
  const epochs = (await control.journal()).map(({ epoch }) => epoch);
  expect(epochs).toEqual(Array.from({ length: epochs.length }, (_, index) => index + 1));
}

test(
  'while it is unread, nothing goes forward: the position that an advance asks for has to be applied',
  async () => {
    await control.advance();
    expect(await control.slice()).toMatchObject({ phase: 'canary', share: 0.5 });
    await control.until('a position was applied', ({ gates }) =>
      gates.some(({ gate, verdict }) => gate === 'caught-up' && verdict === 'pass'),
    );
    reader.kill('SIGSTOP');
    await addLarge(1_000);
    const answer = await control.verb('advance');
    expect(answer).toMatchObject({ status: 409 });
    expect(answer.text).toContain('caught-up');
    // Not more; less when the gates have taken the reads back by now.
    expect(shareOf(await control.routes())).toBeLessThanOrEqual(0.5);
    reader.kill('SIGCONT');
    await untilCopied(1_000);
    await control.advance();
    await expectLarge([1_000]);
  },
  STEP_MS * 2,
);

test.each([
  [1_001, ['advance', 'rollback']],
  [1_002, ['rollback', 'advance']],
] as const)(
  'while it is unread (row %i) and %j are asked for at once, the way back is taken and nothing goes forward',
  async (id, order) => {
    await control.advance();
    expect(await control.slice()).toMatchObject({ phase: 'canary', share: 0.5 });
    reader.kill('SIGSTOP');
    await addLarge(id);
    const answers = await Promise.all(order.map((verb) => control.verb(verb)));
    // The reader sleeps still: neither answer has waited for the change.
    expect(answers[order.indexOf('rollback')]).toMatchObject({ status: 200 });
    const refused = answers[order.indexOf('advance')];
    expect(refused?.status).toBe(409);
    expect(refused?.text).toMatch(/epoch-conflict|gate-failed/);
    expect((await control.routes()).slices[0]).toMatchObject({ share: 0, rolledBack: true });
    await expectOrderlyJournal();

    reader.kill('SIGCONT');
    await untilCopied(id);
    expect((await control.routes()).slices[0]).toMatchObject({ share: 0, rolledBack: true });
    await expectLarge([id]);
    expect(await control.verb('verify')).toMatchObject({ status: 200 });
    expect((await control.slice()).verification).toMatchObject({
      differences: 0,
      rowsSource: ROWS + 1 + id - 1_000,
    });
  },
  STEP_MS * 2,
);

test(
  'while it is being read, advance and rollback asked for at once come one after the other, and never a step without its gates',
  async () => {
    const ids = [1_003, 1_004];
    for (const id of ids) {
      await control.advance();
      const before = (await control.journal()).length;
      await addLarge(id);
      const verbs = id % 2 === 0 ? ['advance', 'rollback'] : ['rollback', 'advance'];
      const answers = await Promise.all(verbs.map((verb) => control.verb(verb)));
      const given = new Map(verbs.map((verb, i) => [verb, answers[i]?.status]));
      expect(given.get('rollback') === 200 || given.get('advance') === 200).toBe(true);
      const steps = (await control.journal()).slice(before).filter(({ by }) => verbs.includes(by));
      // Whoever was told that it is done is in the journal, and nobody else is.
      expect(steps.map(({ by }) => by).sort()).toEqual(
        verbs.filter((verb) => given.get(verb) === 200).sort(),
      );
      for (const { by, evidence } of steps) {
        if (by === 'advance') expect(evidence.map(({ verdict }) => verdict)).not.toContain('fail');
      }
      const routed = (await control.routes()).slices[0];
      const last = steps.at(-1)?.by;
      expect(routed).toMatchObject({ rolledBack: last === 'rollback' });
      if (last !== 'rollback') expect((await control.verb('rollback')).status).toBe(200);
      await untilCopied(id);
    }
    await expectLarge(ids);
    expect(await control.verb('verify')).toMatchObject({ status: 200 });
    expect((await control.slice()).verification).toMatchObject({ differences: 0 });
    await expectOrderlyJournal();
  },
  STEP_MS * 3,
);

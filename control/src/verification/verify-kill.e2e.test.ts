/** A verification in the control plane's own process, killed in the middle: it goes on, and nothing is read again. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { createSqliteApplyStore, openSqliteBus, startConsumer, syncRoutes } from '@banyan/cdc/apply';
import { openSqliteFile } from '@banyan/kit/sqlite';
import { kill, startProcess } from '@banyan/kit/testing';
import {
  piecesRequestSchema,
  verificationResponseSchema,
  type JournalEntry,
  type VerificationReport,
} from '@banyan/contracts';
import { listen, silentLogger } from '@banyan/kit';
import { findFreePort } from '@banyan/postgres';
import express from 'express';
import type { ChildProcess } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Knex } from 'knex';
import { createTestSlice } from '../../testing/fake-feed.ts';
import { eventually } from '../../testing/eventually.ts';
import { createTestMonolith, type TestMonolith } from '../../testing/test-monolith.ts';
import { PEER_TOKEN } from '../../testing/test-control.ts';

const ROWS = 2_000;
const PAGE_ROWS = 50;
/** A busy machine is no matter here. */
const gates = { maxLagMs: 600_000, maxHeartbeatAgeMs: 600_000 };
const slice = { ...createTestSlice(), gates };
let monolith: TestMonolith;
let store: Knex;
let serviceUrl: string;
let settings: Record<string, string>;
/** Ends of the ranges that the service was asked for, as they came. */
let asked: string[] = [];

beforeAll(async () => {
  monolith = await createTestMonolith('verify_kill');
  await monolith.sql.query('CREATE TABLE public.reviews (id bigint PRIMARY KEY)');
  await monolith.sql.query(`INSERT INTO public.reviews SELECT n FROM generate_series(1, ${ROWS}) n`);
  settings = { ...monolith.feed, PEER_TOKEN };
  await startService();
  monolith.startReader();
  const config = `export const config = ${JSON.stringify({ slices: [slice] })}`;
  await writeFile(join(monolith.folder, 'banyan.config.ts'), config);
});

afterAll(() => monolith.close());

/** A service that copies the slice, in this process, and remembers what it is asked. */
async function startService(): Promise<void> {
  const knex = await openSqliteFile({ file: join(monolith.folder, 'service.sqlite') });
  store = knex;
  await knex.schema.createTable('review', (table) => table.integer('review_id').primary());
  const bus = await openSqliteBus({ file: monolith.feed.BUS_FILE });
  const applyStore = createSqliteApplyStore({ knex });
  const options = { slice, group: 'reviews', bus, store: applyStore, prefix: 'shop', logger: silentLogger };
  const consumer = await startConsumer(options);
  const app = express().use('/_banyan/pieces', express.json(), (request, _response, next) => {
    const { pieces } = piecesRequestSchema.parse(request.body);
    asked.push(...pieces.map(({ toKey }) => toKey?.join() ?? 'end'));
    next();
  });
  app.use(syncRoutes({ consumer, store: applyStore, peerToken: PEER_TOKEN }));
  const server = await listen(app, { port: 0, graceMs: 100 });
  serviceUrl = server.url;
  monolith.onClose(
    () => knex.destroy(),
    () => bus.close(),
    () => consumer.close(),
    () => server.close(),
  );
}

interface ControlProcess {
  readonly child: ChildProcess;
  verb(verb: string, body?: object): Promise<number>;
  report(): Promise<VerificationReport | null>;
  journal(): Promise<readonly JournalEntry[]>;
}

async function startControl(maxRowsPerSecond: number): Promise<ControlProcess> {
  const port = await findFreePort();
  const child = startProcess(new URL('../main.ts', import.meta.url), {
    ...settings,
    PORT: String(port),
    STORE_FILE: join(monolith.folder, 'control.sqlite'),
    CONFIG_FILE: join(monolith.folder, 'banyan.config.ts'),
    ADMIN_TOKEN_FILE: join(monolith.folder, 'admin.token'),
    MONOLITH_URL: 'http://127.0.0.1:9',
    SERVICE_URLS: `reviews=${serviceUrl}`,
    VERIFY_PAGE_ROWS: String(PAGE_ROWS),
    VERIFY_MAX_ROWS_PER_SECOND: String(maxRowsPerSecond),
  });
  const url = `http://127.0.0.1:${port}`;
  await eventually('control is up', async () => {
    if (child.exitCode !== null) throw new Error(child.said());
    return (await fetch(`${url}/healthz`)).ok;
  });
  const token = (await readFile(join(monolith.folder, 'admin.token'), 'utf8')).trim();
  const ask = (path: string, body?: object): Promise<Response> =>
    fetch(`${url}${path}`, {
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      ...(body && { method: 'POST', body: JSON.stringify({ by: 'tester', ...body }) }),
    });
  return {
    child,
    verb: async (verb, body = {}) => (await ask(`/v1/slices/reviews/${verb}`, body)).status,
    async report() {
      const answer = await ask('/v1/slices/reviews/verification');
      return verificationResponseSchema.parse(await answer.json()).report;
    },
    journal: async () => ((await (await ask('/v1/journal')).json()) as { entries: JournalEntry[] }).entries,
  };
}

test('killed with kill -9 twice while it verifies, it goes on after the last range that was settled', async () => {
  let control = await startControl(1_000_000);
  await eventually('the copy begins', async () => (await control.verb('advance')) === 200);
  await eventually('the first verification', async () => (await control.report())?.state === 'finished');
  await kill(control.child);
  // One difference that is found before the first kill.
  await store.raw('DELETE FROM review WHERE review_id = 7');

  control = await startControl(800);
  asked = [];
  expect(await control.verb('verify', { wait: false, reason: 'by hand' })).toBe(200);
  for (const rows of [500, 1_000]) {
    await eventually(`${rows} rows`, async () => ((await control.report())?.rowsSource ?? 0) >= rows);
    await kill(control.child);
    control = await startControl(rows === 500 ? 800 : 1_000_000);
    expect((await control.report())?.rowsSource).toBeGreaterThanOrEqual(rows);
  }
  const report = await eventually('the verification is done', async () => {
    const last = await control.report();
    return last?.state === 'finished' && last.reason === 'by hand' ? last : null;
  });
  expect(report).toMatchObject({
    rowsSource: ROWS,
    rowsTarget: ROWS - 1,
    differences: 1,
    by: 'tester',
    // The last page is empty: its range has no end.
    tables: [{ missing: 1, ranges: ROWS / PAGE_ROWS + 1, examples: [{ kind: 'missing', key: ['7'] }] }],
  });
  // At most the page in hand was asked for again after each kill.
  expect(new Set(asked).size).toBe(ROWS / PAGE_ROWS + 1);
  expect(asked.length).toBeLessThanOrEqual(ROWS / PAGE_ROWS + 1 + 2);
  expect((await control.journal()).at(-1)).toMatchObject({ verb: 'verify', reason: 'by hand' });
}, 180_000);

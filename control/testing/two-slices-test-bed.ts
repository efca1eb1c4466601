/** Two slices that share two reference tables, over everything real but the proxy: what both stacks have to hold. */
import { expect } from '@jest/globals';
import { createSqliteApplyStore, startConsumer, syncRoutes, type Bus } from '@banyan/cdc/apply';
import { openSqliteFile } from '@banyan/kit/sqlite';
import { listen, silentLogger } from '@banyan/kit';
import express from 'express';
import type { Knex } from 'knex';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import { kill, processes } from './processes.ts';
import { PEER_TOKEN } from './test-control.ts';
import { startControl, type ControlProcess } from './two-slices-control.ts';
import { slices, type Name } from './two-slices.ts';

const SHARED_ROWS = 3_000;
const OWN_ROWS = 1_000;

interface Service {
  readonly knex: Knex;
  readonly url: string;
  close(): Promise<void>;
}

async function startService(name: Name, folder: string, bus: Bus): Promise<Service> {
  const slice = slices[name];
  const knex = await openSqliteFile({ file: join(folder, `${name}.sqlite`) });
  for (const { target } of slice.tables) {
    await knex.raw(`CREATE TABLE ${target} (id INTEGER PRIMARY KEY, text TEXT)`);
  }
  const store = createSqliteApplyStore({ knex });
  const options = { slice, group: name, bus, store, prefix: 'shop', logger: silentLogger };
  const consumer = await startConsumer(options);
  const server = await listen(express().use(syncRoutes({ consumer, store, peerToken: PEER_TOKEN })), {
    port: 0,
    graceMs: 100,
  });
  const close = async (): Promise<void> => {
    await server.close();
    await consumer.close();
    await knex.destroy();
  };
  return { knex, url: server.url, close };
}

export interface TwoSlicesOptions {
  /** The database, with Banyan's schema. */
  readonly url: string;
  readonly publication: string;
  /** The bus as services read it. */
  readonly bus: Bus;
  /** Of the control plane, beside those that both stacks have. */
  readonly settings: Readonly<Record<string, string>>;
}

/** Both slices through all phases while everything is written to, one of them being resynced while the other serves. */
export async function expectTwoSlicesToShare(options: TwoSlicesOptions): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'banyan-two-slices-'));
  const pool = new pg.Pool({ connectionString: options.url, max: 4 });
  const services: Service[] = [];
  const writing = new AbortController();
  let written: Promise<void> = Promise.resolve();
  try {
    await prepare(pool);
    for (const name of ['reviews', 'orders'] as const) {
      services.push(await startService(name, folder, options.bus));
    }
    const [reviews, orders] = services as [Service, Service];
    const urls = { reviews: reviews.url, orders: orders.url };
    const control = await startControl(folder, urls, options);
    written = write(pool, writing.signal);
    await walk({ ...options, control, pool, knex: { reviews: reviews.knex, orders: orders.knex } });
    writing.abort();
    await written;
    await expectEqual({ control, pool, knex: { reviews: reviews.knex, orders: orders.knex } });
  } finally {
    writing.abort();
    await written.catch(() => undefined); // the first error says more
    for (const child of processes) await kill(child);
    for (const service of services) await service.close();
    await pool.end();
    await rm(folder, { recursive: true });
  }
}

interface Walk extends TwoSlicesOptions {
  readonly control: ControlProcess;
  readonly pool: pg.Pool;
  readonly knex: Readonly<Record<Name, Knex>>;
}

async function walk({ control, pool, knex, publication, bus }: Walk): Promise<void> {
  const toAllReads = async (name: Name): Promise<void> => {
    await control.verb(name, 'advance');
    await control.until(name, ({ verification }) => verification?.differences === 0);
    await control.verb(name, 'advance');
    await control.verb(name, 'advance');
    expect(await control.slice(name)).toMatchObject({ phase: 'canary', share: 1 });
  };
  // 1. One serves.
  await toAllReads('reviews');
  // 2. The other comes to where it is, beside it.
  await servesOn(control, knex, 'reviews', () => toAllReads('orders'));
  // 3. Each is resynced while the other serves.
  for (const [anew, serving] of [
    ['reviews', 'orders'],
    ['orders', 'reviews'],
  ] as const) {
    await servesOn(control, knex, serving, async () => {
      await control.verb(anew, 'resync', { reason: 'store restored' });
      await control.until(anew, ({ verification }) => verification?.differences === 0);
    });
    await control.verb(anew, 'route', { share: 1, reason: 'again' });
  }
  // 4. One goes all the way back: what the other needs stays in the feed.
  await servesOn(control, knex, 'reviews', async () => {
    await control.verb('orders', 'rollback', { reason: 'not today' });
    await control.verb('orders', 'rollback', { reason: 'not today' });
    await control.until('orders', ({ phase, activity }) => phase === 'monolith' && activity === null);
    const { rows } = await pool.query<{ tablename: string }>(
      `SELECT tablename FROM pg_publication_tables WHERE pubname = $1 AND schemaname = 'public' ORDER BY 1`,
      [publication],
    );
    expect(rows.map(({ tablename }) => tablename)).toEqual(['customers', 'products', 'reviews']);
  });
  expect((await bus.topics()).map(({ topic }) => topic)).toContain('shop.public.customers');
  // 5. And comes again.
  await servesOn(control, knex, 'reviews', () => toAllReads('orders'));
}

/** While `work` is done the slice's reads stay with its service, and its shared tables never lose a row. */
async function servesOn(
  control: ControlProcess,
  knex: Readonly<Record<Name, Knex>>,
  name: Name,
  work: () => Promise<void>,
): Promise<void> {
  const over = new AbortController();
  const least = { customers: Infinity, products: Infinity };
  const phases = new Set<string>();
  const watching = (async () => {
    while (!over.signal.aborted) {
      for (const shared of ['customers', 'products'] as const) {
        const rows = await knex[name].raw<{ n: number }[]>(`SELECT count(*) AS n FROM ${shared}`);
        least[shared] = Math.min(least[shared], Number(rows[0]?.n));
      }
      phases.add((await control.slice(name)).phase);
      await delay(20);
    }
  })();
  try {
    await work();
  } finally {
    over.abort();
    await watching;
  }
  expect([...phases]).toEqual(['canary']);
  expect(Math.min(least.customers, least.products)).toBeGreaterThanOrEqual(SHARED_ROWS);
}

async function expectEqual({ control, pool, knex }: Pick<Walk, 'control' | 'pool' | 'knex'>): Promise<void> {
  for (const name of ['reviews', 'orders'] as const) {
    await control.verb(name, 'verify', { reason: 'at rest' });
    expect((await control.slice(name)).verification).toMatchObject({ differences: 0 });
    for (const { target } of slices[name].tables) {
      const sql = `SELECT id, text FROM ${target} ORDER BY id`;
      const { rows } = await pool.query<{ id: string; text: string }>(sql);
      const copied = await knex[name].raw<{ id: number; text: string }[]>(sql);
      expect(copied.map(({ id, text }) => `${id} ${text}`)).toEqual(
        rows.map(({ id, text }) => `${id} ${text}`),
      );
    }
  }
  const resyncs = (await control.journal()).filter(({ verb }) => verb === 'resync');
  expect(resyncs.map(({ slice, by }) => `${slice} by ${by}`)).toEqual([
    'reviews by tester',
    'orders by tester',
  ]);
}

async function prepare(pool: pg.Pool): Promise<void> {
  for (const name of ['customers', 'products', 'reviews', 'orders']) {
    const rows = ['customers', 'products'].includes(name) ? SHARED_ROWS : OWN_ROWS;
    await pool.query(`CREATE TABLE public.${name} (id bigint PRIMARY KEY, text text)`);
    await pool.query(`INSERT INTO public.${name} SELECT n, 'row ' || n FROM generate_series(1, ${rows}) n`);
  }
}

/** Changes all tables; of the shared ones no row ever goes. */
async function write(pool: pg.Pool, signal: AbortSignal): Promise<void> {
  for (let n = 1; !signal.aborted; n += 1) {
    for (const name of ['customers', 'products', 'reviews', 'orders']) {
      const id = 1 + ((n * 7919) % OWN_ROWS);
      await pool.query(`UPDATE public.${name} SET text = $2 WHERE id = $1`, [id, `${name} ${n}`]);
      await pool.query(`INSERT INTO public.${name} VALUES ($1, $2)`, [10_000 + n, `new ${n}`]);
    }
    await pool.query('DELETE FROM public.orders WHERE id = $1', [10_000 + n - 20]);
    await delay(10);
  }
}

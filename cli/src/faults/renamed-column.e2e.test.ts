/** A column of the monolith is renamed while rows are written, and gets its name back: what is in quarantine then, and what ends that. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { QuarantineListResponse, QuarantineRetryResponse } from '@banyan/contracts';
import pg from 'pg';
import { anyLag, Stack, until } from './stack.ts';

const stack = new Stack({ gates: anyLag });
let sql: pg.Client;

beforeAll(async () => {
  await stack.up();
  await stack.json('advance', 'reviews', '--wait');
  sql = new pg.Client(stack.secret('source.url'));
  await sql.connect();
}, 240_000);

afterAll(async () => {
  await sql.end();
  await stack.close();
}, 180_000);

/** The ids of some reviews, which the writes are to. */
async function someIds(): Promise<readonly string[]> {
  const { rows } = await sql.query<{ id: string }>('SELECT id::text FROM reviews ORDER BY id LIMIT 3');
  return rows.map(({ id }) => id);
}

async function errors(): Promise<QuarantineListResponse> {
  return await stack.json<QuarantineListResponse>('quarantine', 'list', 'reviews');
}

async function untilQuarantined(records: number): Promise<QuarantineListResponse> {
  await until('the service has them in quarantine', async () => (await errors()).records >= records);
  return await errors();
}

async function inSyncAndEqual(): Promise<void> {
  await until('the copy is in sync', async () => (await stack.slice()).inSync, 120_000);
  const { code, stdout } = await stack.banyan(['verify', 'reviews', '--wait']);
  expect([code, stdout]).toEqual([0, expect.stringContaining('0 differences')]);
}

test('a column: what went into quarantine meanwhile is released by a retry, which reads the rows again', async () => {
  const ids = await someIds();
  await sql.query('ALTER TABLE reviews RENAME COLUMN rating TO stars');
  await sql.query('UPDATE reviews SET stars = 1 + stars % 5 WHERE id = ANY ($1)', [ids]);
  const held = await untilQuarantined(ids.length);
  expect(held.queues.map(({ key }) => key?.[0]).toSorted()).toEqual(ids.toSorted());
  await sql.query('ALTER TABLE reviews RENAME COLUMN stars TO rating');

  // Status names the command that shows them, that one the next, and so on.
  expect((await stack.banyan(['status'])).stdout).toContain('banyan quarantine list reviews');
  expect(held.next_steps).toContain('banyan quarantine retry reviews --all --dry-run');
  const retried = await stack.json<QuarantineRetryResponse>(
    'quarantine',
    'retry',
    'reviews',
    '--all',
    '--reason',
    'back',
  );
  expect(retried).toMatchObject({ applied: ids.length, refused: 0 });
  expect((await errors()).records).toBe(0);
  await inSyncAndEqual();
}, 240_000);

test('a column of the key: no key says which rows they are of, and a resync, which status names, ends it', async () => {
  const ids = await someIds();
  await sql.query('ALTER TABLE reviews RENAME COLUMN id TO number');
  await sql.query('UPDATE reviews SET helpful_count = helpful_count + 1 WHERE number = ANY ($1)', [ids]);
  const held = await untilQuarantined(ids.length);
  await sql.query('ALTER TABLE reviews RENAME COLUMN number TO id');
  expect(held.queues.map(({ key }) => key)).toEqual(ids.map(() => null));

  const [command = ''] = held.next_steps;
  expect(command).toMatch(/^banyan resync reviews --reason /);
  expect((await stack.banyan(['status'])).stdout).toContain('banyan resync reviews');
  const { code, stdout } = await stack.banyan([
    'quarantine',
    'retry',
    'reviews',
    '--all',
    '--reason',
    'back',
    '--json',
  ]);
  const retried = JSON.parse(stdout) as QuarantineRetryResponse;
  expect(code).not.toBe(0);
  expect(retried).toMatchObject({ applied: 0, refused: ids.length });
  expect(retried.next_steps.join()).toContain('banyan resync reviews');
  await stack.json('resync', 'reviews', '--reason', 'records of no readable key');
  await until('the quarantine is empty', async () => (await errors()).records === 0);
  await inSyncAndEqual();
}, 240_000);

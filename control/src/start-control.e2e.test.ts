/** A control plane that could not start leaves nothing open, and neither does one that was closed: with every real part. */
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { listen, silentLogger, type Listening } from '@banyan/kit';
import { createTestDatabase, type TestDatabase } from '@banyan/postgres';
import express from 'express';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { createTestSlice } from '../testing/fake-feed.ts';
import { eventually } from '../testing/eventually.ts';
import { readSettings } from './config.ts';
import { startControl } from './start-control.ts';

let database: TestDatabase;
let folder: string;
beforeEach(async () => {
  database = await createTestDatabase('control_start');
  folder = await mkdtemp(join(tmpdir(), 'banyan-start-'));
  await writeFile(
    join(folder, 'banyan.config.mjs'),
    `export const config = ${JSON.stringify({ slices: [createTestSlice()] })};`,
  );
});
afterEach(async () => {
  await database.drop();
  await rm(folder, { recursive: true });
});

const settings = (port: number): ReturnType<typeof readSettings> =>
  readSettings({
    PORT: String(port),
    STORE_FILE: join(folder, 'control.sqlite'),
    BUS_FILE: join(folder, 'bus.sqlite'),
    CONFIG_FILE: join(folder, 'banyan.config.mjs'),
    ADMIN_TOKEN_FILE: join(folder, 'admin.token'),
    PEER_TOKEN: 'a-peer-token-of-the-tests',
    MONOLITH_URL: 'http://127.0.0.1:9',
    SERVICE_URLS: 'reviews=http://127.0.0.1:9',
    SOURCE_URL: database.url,
    SLOT_NAME: database.name,
    PUBLICATION_NAME: database.name,
  });
const start = (port: number): ReturnType<typeof startControl> =>
  startControl({ settings: settings(port), log: silentLogger, onFatal: () => undefined });

/** Handles that keep a process alive and were not there before, and files that SQLite removes with its last connection. */
async function expectNothingOpen(before: readonly string[]): Promise<void> {
  await eventually('nothing is open', () => {
    const left = process.getActiveResourcesInfo();
    for (const kind of before) if (left.includes(kind)) left.splice(left.indexOf(kind), 1);
    if (left.length > 0) throw new Error(`still open: ${left.join()}`);
    return Promise.resolve(true);
  });
  expect((await readdir(folder)).filter((name) => /-(wal|shm)$/.test(name))).toEqual([]);
}

test('a start whose port is taken closes the store, the bus and the watches that it opened', async () => {
  const taken: Listening = await listen(express(), { port: 0 });
  try {
    const before = process.getActiveResourcesInfo();
    await expect(start(Number(new URL(taken.url).port))).rejects.toThrow('EADDRINUSE');
    await expectNothingOpen(before);
  } finally {
    await taken.close();
  }
});

test('one that ran and was closed leaves nothing open, loops and connections included', async () => {
  const client = new pg.Client(database.url);
  await client.connect();
  const connections = async (): Promise<number> => {
    const { rows } = await client.query(
      "SELECT 1 FROM pg_stat_activity WHERE datname = $1 AND application_name = 'banyan control'",
      [database.name],
    );
    return rows.length;
  };
  try {
    const before = process.getActiveResourcesInfo();
    const control = await start(0);
    await eventually('the database is asked', async () => (await connections()) > 0);
    await control.close();
    await control.close();
    await expectNothingOpen(before);
    await eventually('the database is left', async () => (await connections()) === 0);
  } finally {
    await client.end();
  }
});

import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { silentLogger } from '@banyan/kit';
import { stockMigrations, stockServiceInFile } from '../../fixtures/stock/stock-service.ts';
import { openSqliteStore } from './sqlite-store.ts';
import { openStore } from './open-store.ts';
import type { OpenStore } from './store.ts';

let folder: string;
let store: OpenStore;

const open = (): Promise<OpenStore> =>
  openSqliteStore({
    file: join(folder, 's.sqlite'),
    migrationSource: stockMigrations,
    slice: 'stock',
    log: silentLogger,
  });

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'service-store-'));
  store = await open();
});
afterEach(async () => {
  await store.close();
  await rm(folder, { recursive: true, force: true });
});

test('readers cannot write', async () => {
  await expect(store.readers('product').delete()).rejects.toThrow(/readonly/);
});

test('reads while a long write is under way, and sees one moment', async () => {
  const writing = await store.writer.transaction();
  await writing('product').insert({ id: 1, slug: 'a' });
  expect(await store.readers('product')).toEqual([]);
  await store.read(async (transaction) => {
    expect(await transaction('product')).toEqual([]);
    await writing.commit();
    expect(await transaction('product')).toEqual([]);
  });
  expect(await store.readers('product')).toEqual([{ id: 1, slug: 'a' }]);
});

test('opens again with what was in it, and closes once', async () => {
  await store.writer('product').insert({ id: 1, slug: 'a' });
  const again = await open();
  expect(await again.readers('product').pluck('id')).toEqual([1]);
  await again.close();
  await again.close();
});

test('a store that cannot be opened is named by its setting', async () => {
  const opening = (settings: { storeFile?: string; storeUrl?: string }) =>
    openStore({
      settings,
      migrations: { sqlite: stockMigrations, postgres: stockMigrations },
      slice: 'stock',
      log: silentLogger,
    });
  const storeFile = join(folder, 'none', 's.sqlite');
  await expect(opening({ storeFile })).rejects.toMatchObject({
    code: 'store-unopenable',
    message: expect.stringMatching(
      /store of stock \(STORE_FILE=.*s\.sqlite\) cannot be opened: .*unable to open/,
    ),
  });
  const away = opening({ storeUrl: 'postgresql://ada:hunter2@localhost:1/db' });
  await expect(away).rejects.toThrow(/\(STORE_URL, localhost:1\/db\) cannot be opened: .*ECONNREFUSED/);
  await expect(away).rejects.not.toThrow(/hunter2/);
});

test('a store that there are no migrations for is refused by the variable that is missing', async () => {
  const settings = { storeUrl: 'postgresql://h/db' };
  const { migrations } = stockServiceInFile;
  await expect(openStore({ settings, migrations, slice: 'stock', log: silentLogger })).rejects.toThrow(
    /STORE_FILE: wanted for the store of stock; it is not set/,
  );
});

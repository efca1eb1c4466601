import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { createTestDatabase, type TestDatabase } from '@banyan/postgres';
import { stockMigrations } from '../../fixtures/stock/stock-service.ts';
import { openPostgresStore } from './postgres-store.ts';
import type { OpenStore } from './store.ts';

let database: TestDatabase;
const open: OpenStore[] = [];

beforeEach(async () => {
  database = await createTestDatabase('service_store');
});
afterEach(async () => {
  for (const store of open.splice(0)) await store.close();
  await database.drop();
});

async function openOne(): Promise<OpenStore> {
  const store = await openPostgresStore({
    url: database.url,
    migrationSource: stockMigrations,
    slice: 'stock',
  });
  open.push(store);
  return store;
}

test('several that open at once bring the schema up to date once, and one may close twice', async () => {
  const [store] = await Promise.all([openOne(), openOne(), openOne()]);
  expect(await store.readers('knex_migrations').pluck('name')).toEqual(['0001-stock']);
  await store.close();
  await store.close();
  expect(await (await openOne()).readers('product')).toEqual([]);
});

test('readers cannot write, and see one moment whatever is applied meanwhile', async () => {
  const store = await openOne();
  await expect(store.readers('product').insert({ id: 1, slug: 'a' })).rejects.toThrow(/read-only/);
  await store.read(async (transaction) => {
    expect(await transaction('product')).toEqual([]);
    await store.writer('product').insert({ id: 1, slug: 'a' });
    expect(await transaction('product')).toEqual([]);
  });
  expect(await store.readers('product')).toEqual([{ id: '1', slug: 'a' }]);
});

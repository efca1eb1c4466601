import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { createTestDatabase, type TestDatabase } from '@banyan/postgres';
import pg from 'pg';
import { migrate } from '../database/migrate.ts';
import { openDatabase } from '../database/open-database.ts';
import { verifyPassword } from '../customers/password.ts';
import { DEMO_PASSWORD, seedShop } from './seed-shop.ts';

const size = { products: 30, customers: 12, reviews: 150, orders: 20 };
const TABLES = ['categories', 'products', 'inventory', 'customers', 'reviews', 'orders', 'order_items'];
let databases: TestDatabase[];

beforeAll(async () => {
  databases = await Promise.all([createTestDatabase('seed_one'), createTestDatabase('seed_two')]);
});
afterAll(async () => {
  await Promise.all(databases.map((database) => database.drop()));
});

async function contents(url: string): Promise<Record<string, unknown[]>> {
  const client = new pg.Client(url);
  await client.connect();
  const rows: Record<string, unknown[]> = {};
  for (const table of TABLES) {
    // When the stock was last counted is the only thing that depends on the clock.
    const { rows: found } = await client.query<{ row: string }>(
      `SELECT (to_jsonb(t) - '${table === 'inventory' ? 'updated_at' : ''}')::text AS row FROM ${table} t ORDER BY 1`,
    );
    rows[table] = found.map(({ row }) => row);
  }
  await client.end();
  return rows;
}

async function seedTwiceAtOnce(url: string): Promise<boolean[]> {
  await Promise.all([migrate(url), migrate(url)]);
  const opened = [openDatabase(url), openDatabase(url)];
  const done = await Promise.all(opened.map((database) => seedShop(database, size)));
  await Promise.all(opened.map(({ sequelize }) => sequelize.close()));
  return done;
}

test('two processes at once migrate and seed once, and another database gets the same rows', async () => {
  const [one, two] = databases;
  expect((await seedTwiceAtOnce(one?.url ?? '')).sort()).toEqual([false, true]);
  expect((await seedTwiceAtOnce(two?.url ?? '')).sort()).toEqual([false, true]);
  const [first, second] = await Promise.all(databases.map(({ url }) => contents(url)));
  expect(second).toEqual(first);
  expect(first?.['products']).toHaveLength(30);
  expect(first?.['customers']).toHaveLength(12);
  expect(first?.['reviews']).toHaveLength(150);
  expect(first?.['orders']).toHaveLength(20);
});

test('the customers can sign in', async () => {
  const database = openDatabase(databases[0]?.url ?? '');
  const ann = await database.Customer.findOne({
    where: { email: 'ann.archer@example.com' },
    rejectOnEmpty: true,
  });
  await database.sequelize.close();
  expect(await verifyPassword(DEMO_PASSWORD, ann.passwordHash)).toBe(true);
});

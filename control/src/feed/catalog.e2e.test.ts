import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { createPostgresSource, type PostgresSource } from '@banyan/cdc/capture';
import { catalogResponseSchema, problemSchema, type Problem } from '@banyan/contracts';
import { createTestDatabase, type TestDatabase } from '@banyan/postgres';
import pg from 'pg';
import { PEER_TOKEN, startTestControl, type TestControl } from '../../testing/test-control.ts';
import { noFeed } from './no-feed.ts';

let database: TestDatabase;
let source: PostgresSource;
let t: TestControl;

beforeAll(async () => {
  database = await createTestDatabase('catalog');
  const client = new pg.Client(database.url);
  await client.connect();
  await client.query(`
    CREATE TYPE mood AS ENUM ('fine');
    CREATE TABLE orders (id bigint PRIMARY KEY, at timestamptz NOT NULL, total numeric(10,2), mood mood);
    CREATE TABLE spans (span interval PRIMARY KEY);
    CREATE TABLE keyless (a integer);
    CREATE UNLOGGED TABLE fleeting (id integer PRIMARY KEY);
    CREATE VIEW seen AS SELECT 1 AS id;`);
  await client.end();
  source = createPostgresSource({ url: database.url, slot: 'none', publication: 'none' });
  t = await startTestControl();
  t.feed.source.describeTables = (tables, signal) => source.describeTables(tables, signal);
});
afterAll(async () => {
  await t.close();
  await source.close();
  await database.drop();
});

test('describes a table with its key, and for each column the types that keep its values whole', async () => {
  const { status, body } = await t.get('/v1/catalog?tables=public.orders');
  expect(status).toBe(200);
  expect(catalogResponseSchema.parse(body)).toEqual({
    schema_version: 1,
    problems: [],
    tables: [
      {
        name: 'public.orders',
        key: ['id'],
        estimatedRows: 0,
        columns: [
          ['id', 'bigint', 'integer', true, 'INTEGER', 'bigint'],
          ['at', 'timestamp with time zone', 'timestamptz', true, 'TEXT', 'timestamp with time zone'],
          ['total', 'numeric(10,2)', 'decimal', false, 'TEXT', 'numeric(10,2)'],
          ['mood', 'mood', 'other', false, 'TEXT', 'text'],
        ].map(([name, type, kind, notNull, sqlite, postgres]) => ({
          ...{ name, type, kind, notNull, stores: { sqlite, postgres }, problem: null },
        })),
      },
    ],
  });
});

test('says of every table that cannot be copied why, and describes the others', async () => {
  const names = ['keyless', 'orders', 'spans', 'fleeting', 'seen', 'nowhere'].map((name) => `public.${name}`);
  const { body } = await t.get(`/v1/catalog?tables=${names.join(',')}`);
  const { tables, problems } = catalogResponseSchema.parse(body);
  expect(tables.map(({ name }) => name)).toEqual(['public.orders']);
  expect(problems).toHaveLength(5);
  for (const wanted of [
    /public\.keyless: it has no primary key.*To mend it: ALTER TABLE/,
    /public\.spans: no verification could compare rows by the key column span \(interval\)/,
    /public\.fleeting: it is unlogged/,
    /public\.seen: it is not a table \(a view/,
    /public\.nowhere: there is no such table/,
  ]) {
    expect(problems).toContainEqual(expect.stringMatching(wanted));
  }
});

test('wants the admin token and names of tables; without a feed it says what is missing', async () => {
  expect((await t.get('/v1/catalog?tables=public.orders', PEER_TOKEN)).status).toBe(401);
  for (const query of ['', '?tables=', '?tables=public.a,,public.b', '?table=public.a']) {
    const { status, body } = await t.get<Problem>(`/v1/catalog${query}`);
    expect([status, problemSchema.parse(body).error.code]).toEqual([400, 'invalid-request']);
  }
  const bare = await startTestControl();
  bare.feed.source.describeTables = noFeed().feed.describeTables;
  const { status, body } = await bare.get<Problem>('/v1/catalog?tables=public.orders');
  expect([status, body.error.code]).toEqual([409, 'no-feed']);
  await bare.close();
});

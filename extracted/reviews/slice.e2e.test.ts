import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { createPostgresSource, type PostgresSource } from '@banyan/cdc/capture';
import { checkMapping, checkTransforms } from '@banyan/cdc/verify';
import { createSqliteApplyStore } from '@banyan/cdc/apply';
import { createTestDatabase, type TestDatabase } from '@banyan/postgres';
import createKnex from 'knex';
import { migrationSource } from '../../migrations/monolith/index.ts';
import { reviewsSlice } from './slice.ts';
import { openTestStore } from './src/testing/store.ts';

let database: TestDatabase;
let source: PostgresSource;
const signal = AbortSignal.timeout(60_000);

beforeAll(async () => {
  database = await createTestDatabase('reviews_slice');
  const knex = createKnex({ client: 'pg', connection: database.url });
  await knex.migrate.latest({ migrationSource });
  await knex.destroy();
  source = createPostgresSource({ url: database.url, slot: 'none', publication: 'none' });
});
afterAll(async () => {
  await source.close();
  await database.drop();
});

test('the mapping fits the shop’s tables on one side and the service’s on the other', async () => {
  const store = await openTestStore();
  try {
    const targets = reviewsSlice.tables.map(({ target }) => target);
    const report = await createSqliteApplyStore({ knex: store.writer, reader: store.readers }).describe(
      targets,
    );
    const tables = await source.describeTables(
      reviewsSlice.tables.map((table) => table.source),
      signal,
    );
    for (const mapping of reviewsSlice.tables) {
      const table = tables.find(({ name }) => name === mapping.source);
      expect(table?.notNull).toEqual(expect.arrayContaining(['id']));
      expect(checkMapping({ mapping, source: table ?? null, store: report })).toEqual([]);
      const rows = [
        { id: 1, status: 'hidden' },
        { id: 2, status: 'published' },
      ];
      expect(checkTransforms(mapping, rows)).toEqual([]);
    }
  } finally {
    await store.close();
  }
});

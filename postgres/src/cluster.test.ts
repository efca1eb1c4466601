import { expect, test } from '@jest/globals';
import pg from 'pg';
import { createTestDatabase } from './test-database.ts';

test('the server that the tests use decodes its WAL logically', async () => {
  const database = await createTestDatabase('cluster');
  const client = new pg.Client(database.url);
  await client.connect();
  const { rows } = await client.query<{ wal_level: string }>('SHOW wal_level');
  await client.end();
  await database.drop();
  expect(rows).toEqual([{ wal_level: 'logical' }]);
});

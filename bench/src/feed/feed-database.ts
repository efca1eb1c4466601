import { join } from 'node:path';
import { migrateBanyan } from '../../../migrations/banyan/index.ts';
import { startCluster } from '@banyan/postgres';
import knex from 'knex';
import pg from 'pg';
import { createSourceTable, insertRows, SOURCE_TABLE } from './bench-rows.ts';

/** A PostgreSQL of the benchmark's own, with the table of rows and Banyan's schema. */
export interface FeedDatabase {
  /** Superuser's URL. */
  readonly url: string;
  sql(text: string, values?: readonly unknown[]): Promise<readonly Record<string, unknown>[]>;
  /** Empties the table. */
  empty(): Promise<void>;
  /** Inserts rows 1 to `rows`, so many in a transaction. */
  fill(rows: number, rowsPerTransaction: number): Promise<void>;
  /** Makes another, empty database in the same server, or makes it empty again. @returns its URL. */
  createStore(name: string): Promise<string>;
  close(): Promise<void>;
}

/** Starts it with PostgreSQL's own settings: every commit is on the disk before it returns. */
export async function startFeedDatabase(folder: string): Promise<FeedDatabase> {
  const cluster = await startCluster({ dir: join(folder, 'postgres'), settings: { max_wal_size: '4GB' } });
  const url = cluster.adminUrl;
  const migrations = knex({ client: 'pg', connection: url, pool: { min: 0, max: 1 } });
  await migrateBanyan(migrations);
  await migrations.destroy();
  const client = new pg.Client(url);
  await client.connect();
  await client.query(createSourceTable);
  const sql: FeedDatabase['sql'] = async (text, values = []) =>
    (await client.query<Record<string, unknown>>(text, [...values])).rows;
  return {
    url,
    sql,
    async empty() {
      await sql(`TRUNCATE ${SOURCE_TABLE}`);
    },
    async fill(rows, rowsPerTransaction) {
      for (let first = 1; first <= rows; first += rowsPerTransaction) {
        await sql(insertRows, [first, Math.min(rows, first + rowsPerTransaction - 1)]);
      }
      await sql(`VACUUM ANALYZE ${SOURCE_TABLE}`);
    },
    async createStore(name) {
      await sql(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`);
      await sql(`CREATE DATABASE ${name}`);
      const store = new URL(url);
      store.pathname = `/${name}`;
      return store.href;
    },
    async close() {
      await client.end();
      await cluster.close();
    },
  };
}

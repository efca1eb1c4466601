import { createPostgresApplyStore, createSqliteApplyStore, type ApplyStore } from '@banyan/cdc/apply';
import { openSqliteFile } from '@banyan/kit/sqlite';
import createKnex, { type Knex } from 'knex';
import { createPostgresTable, createSqliteTable } from '../bench-rows.ts';

/** The knex that writes: of the SQLite file `STORE_FILE`, or else of the PostgreSQL `STORE_URL`. */
export async function openWriter(): Promise<Knex> {
  const { STORE_FILE: file, STORE_URL: connection } = process.env;
  if (file !== undefined) return await openSqliteFile({ file });
  return createKnex({ client: 'pg', connection: connection ?? '', pool: { min: 0, max: 4 } });
}

/** Makes the target table, empty. */
export async function makeTable(knex: Knex): Promise<void> {
  await knex.raw('DROP TABLE IF EXISTS bench_row');
  await knex.raw(isSqlite() ? createSqliteTable : createPostgresTable);
}

/** The consumer's store, with an empty target table. */
export async function openStore(): Promise<ApplyStore> {
  const knex = await openWriter();
  await makeTable(knex);
  if (!isSqlite()) return createPostgresApplyStore({ knex });
  const file = process.env['STORE_FILE'] ?? '';
  return createSqliteApplyStore({ knex, reader: await openSqliteFile({ file, mode: 'read' }) });
}

function isSqlite(): boolean {
  return process.env['STORE_FILE'] !== undefined;
}

import pg from 'pg';
import { fromTable } from '../postgres/catalog.ts';
import type { AskDatabase } from '../postgres/source-database.ts';
import { quoteName, type TableName } from '../../rows/table-name.ts';

/**
 * What PostgreSQL says when a published table has no replica identity for UPDATE and DELETE, or one with columns that the
 * publication leaves out.
 */
const REFUSALS = new Set(['55000', '42P10']);

/**
 * Tries whether the application could still update and delete rows of a table. EXPLAIN without a WHERE comes as far as
 * PostgreSQL's own check of the table and each of its partitions, and no further: no row is touched, no trigger fires.
 * Inside the transaction of an ADD TABLE it sees that.
 *
 * Takes the lock of a writer until the transaction ends.
 *
 * @returns what PostgreSQL says; null when both would work. Afterwards the transaction is good for nothing but a rollback
 * when it said something.
 * @throws the server's error when it says anything else.
 */
export async function tryWrites(
  table: TableName & { readonly partitioned: boolean },
  ask: AskDatabase,
): Promise<string | null> {
  const [column] = await ask(
    `SELECT a.attname AS name, a.attidentity = 'a' AS fixed FROM pg_catalog.pg_attribute a
     JOIN pg_catalog.pg_class c ON c.oid = a.attrelid JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
     WHERE n.nspname = $1 AND c.relname = $2 AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''
     ORDER BY a.attidentity = 'a', a.attnum LIMIT 1`,
    [table.schema, table.table],
  );
  if (!column) return null; // gone meanwhile
  const name = quoteName(column['name'] ?? '');
  const value = column['fixed'] === 't' ? 'DEFAULT' : name;
  try {
    await ask(`EXPLAIN UPDATE ${fromTable(table)} SET ${name} = ${value}`);
    await ask(`EXPLAIN DELETE FROM ${fromTable(table)}`);
    return null;
  } catch (error) {
    if (!(error instanceof pg.DatabaseError) || !REFUSALS.has(error.code ?? '')) throw error;
    return [error.message, error.detail].filter((part) => part !== undefined).join('. ');
  }
}

import { decodeRow, fromTable, type CatalogTable, type TypeCatalog } from '../postgres/catalog.ts';
import { readConsistently } from '../postgres/consistent-read.ts';
import { busKey, envelopeSource, envelopeText } from '../../rows/envelope.ts';
import { feedTableNow } from './feed-table-now.ts';
import { RowsUnreadableError, type RowsUnreadableCode } from '../postgres/rows-unreadable-error.ts';
import type { AskDatabase, SourceDatabase, TextRow } from '../postgres/source-database.ts';
import type { KeyedRow } from './monolith-database.ts';
import { hasSqlState } from '../postgres/sql-state.ts';
import { quoteName, quoteParts } from '../../rows/table-name.ts';
import { waitForWriters } from './table-writers.ts';

/** A row that was looked for. */
interface FoundRow {
  /** Key columns and their values as PostgreSQL prints them, however they were asked for. */
  readonly key: TextRow;
  /** Null when there is no such row. */
  readonly row: TextRow | null;
}

const problems = {
  UNKNOWN_SCHEMA: ['no-such-table', 'there is no such table'],
  NO_PRIMARY_KEY: ['no-primary-key', 'the table has no primary key'],
  NOT_PUBLISHED: ['table-not-in-feed', 'the table is not in the feed'],
} as const;

/**
 * Reads rows by their keys in one snapshot of the database, which sees every transaction whose commit was in the WAL at
 * the time of the call.
 *
 * @throws RowsUnreadableError as `MonolithDatabase.readRows`.
 */
export async function readKeyedRows(options: {
  readonly database: SourceDatabase;
  readonly types: TypeCatalog;
  readonly publication: string;
  readonly prefix: string;
  /** `schema.table` */
  readonly table: string;
  /** Key values as text, in key order. */
  readonly keys: readonly (readonly string[])[];
  /** How long transactions that write to the table are waited for. */
  readonly writersTimeoutMs: number;
  readonly signal: AbortSignal;
}): Promise<readonly KeyedRow[]> {
  const { database, types, publication, prefix, table: name, keys, writersTimeoutMs, signal } = options;
  const refuse = (code: RowsUnreadableCode, reason: string): RowsUnreadableError =>
    new RowsUnreadableError(code, `${name}: ${reason}`);
  const describe = async (ask: AskDatabase): Promise<CatalogTable> => {
    const table = await feedTableNow({ name, types, publication }, ask);
    if (typeof table !== 'string') return table;
    const [code, reason] = problems[table];
    throw refuse(code, reason);
  };
  const known = await database.onConnection(describe, signal);
  if (!(await waitForWriters({ database, table: known, timeoutMs: writersTimeoutMs, signal }))) {
    throw refuse('table-busy', 'a transaction that has written to it does not end; ask again later');
  }
  try {
    const { result } = await readConsistently(database, signal, async (ask) => {
      const table = await describe(ask);
      const wrong = keys.find((key) => key.length !== table.key.length);
      if (wrong) {
        const wanted = `${table.key.length} values (${table.key.join(', ')})`;
        throw refuse('wrong-key', `a key has ${wanted}, got ${JSON.stringify(wrong)}`);
      }
      const [about] = await ask('SELECT current_database() AS name');
      return { table, database: about?.['name'] ?? '', rows: await find(table, keys, ask) };
    });
    return keyedRows({ ...result, prefix });
  } catch (error) {
    // 22: the text is no value of the column's type; 23514: none of its domain.
    if (hasSqlState(error, '22', '23514')) throw refuse('wrong-key', error.message);
    throw error;
  }
}

/** The row as an `r`; or, when it is not there, a `d` of its key. */
function keyedRows(read: {
  readonly table: CatalogTable;
  readonly database: string;
  readonly prefix: string;
  readonly rows: readonly FoundRow[];
}): readonly KeyedRow[] {
  const { table, rows } = read;
  const atUs = BigInt(Date.now()) * 1_000n;
  const source = envelopeSource(read, table, { atUs, snapshot: 'incremental' });
  return rows.map(({ key, row }) => {
    const fields = decodeRow(table.columns, row ?? key);
    const envelope = row
      ? envelopeText('r', { before: null, after: fields }, source)
      : envelopeText('d', { before: fields, after: null }, source);
    return { key: busKey(table.key, fields), envelope };
  });
}

async function find(
  table: CatalogTable,
  keys: readonly (readonly string[])[],
  ask: AskDatabase,
): Promise<readonly FoundRow[]> {
  const types = await keyTypes(table, ask);
  const asked = table.key.map((name, place) => {
    const { bare = 'text', whole = bare } = types.get(name) ?? {};
    const value = `k.v${place}::${bare}`;
    // As a row would print it, `2.00` for a `2`; unless that would be another value.
    const told = `CASE WHEN k.v${place}::${whole} = ${value} THEN k.v${place}::${whole} ELSE ${value} END`;
    return { column: `t.${quoteName(name)}`, value, told, as: `banyan:${place}` };
  });
  const rows = await ask(
    `SELECT t.tableoid IS NOT NULL AS "banyan:found",
       ${asked.map(({ told, as }) => `${told} AS ${quoteName(as)}`).join(', ')},
       ${table.columns.map((column) => `t.${quoteName(column.name)}`).join(', ')}
     FROM unnest(${asked.map((_, place) => `$${place + 1}::text[]`).join(', ')})
       WITH ORDINALITY AS k (${asked.map((_, place) => `v${place}`).join(', ')}, place)
     LEFT JOIN ${fromTable(table)} t ON ${asked.map(({ column, value }) => `${column} = ${value}`).join(' AND ')}
     ORDER BY k.place`,
    table.key.map((_, place) => keys.map((key) => key[place])),
  );
  return rows.map((row) => ({
    key: Object.fromEntries(table.key.map((column, place) => [column, row[`banyan:${place}`] ?? null])),
    row: row['banyan:found'] === 't' ? row : null,
  }));
}

interface KeyType {
  /** Without length and precision: a cast to those would cut a value that is too long, and find another row. */
  readonly bare: string;
  readonly whole: string;
}

async function keyTypes(table: CatalogTable, ask: AskDatabase): Promise<ReadonlyMap<string, KeyType>> {
  const rows = await ask(
    `SELECT attname AS name, format_type(atttypid, -1) AS bare, format_type(atttypid, atttypmod) AS whole
     FROM pg_catalog.pg_attribute WHERE attrelid = $1::regclass AND attname = ANY ($2)`,
    [quoteParts(table), table.key],
  );
  return new Map(
    rows.map((row) => [row['name'] ?? '', { bare: row['bare'] ?? 'text', whole: row['whole'] ?? 'text' }]),
  );
}

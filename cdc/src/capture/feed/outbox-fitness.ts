import type { AskDatabase, TextRow } from '../postgres/source-database.ts';
import type { SourceTableProblem } from './source-table-error.ts';
import { quoteParts, splitTableName } from '../../rows/table-name.ts';

interface WantedColumn {
  /** The first one is what a column is made as. */
  readonly types: readonly string[];
  readonly mayBeNull: boolean;
}

const texts = ['text', 'character varying'];
const numbers = ['smallint', 'integer', 'bigint'];

/** The columns that an event is made of, by the names that Debezium's outbox event router takes by default. */
const wanted: Readonly<Record<string, WantedColumn>> = {
  id: { types: ['uuid', ...texts, ...numbers], mayBeNull: false },
  // A null would name no topic, and end Debezium's task.
  aggregatetype: { types: texts, mayBeNull: false },
  aggregateid: { types: [...texts, 'uuid', ...numbers], mayBeNull: false },
  payload: { types: ['jsonb', 'json', ...texts], mayBeNull: true },
};

/** What is carried of an outbox: nothing else becomes part of an event. */
export const OUTBOX_COLUMNS: readonly string[] = Object.keys(wanted);

/** Columns by name. A domain counts as what it is made of. */
const DESCRIBE = `
  SELECT a.attname AS name, a.attgenerated <> '' AS generated,
    (CASE t.typtype WHEN 'd' THEN t.typbasetype ELSE t.oid END)::regtype::text AS type, a.attnotnull OR t.typnotnull AS not_null,
    a.atthasdef AS has_default
  FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_type t ON t.oid = a.atttypid
  JOIN pg_catalog.pg_class c ON c.oid = a.attrelid JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
  WHERE n.nspname = $1 AND c.relname = $2 AND c.relkind IN ('r', 'p') AND a.attnum > 0 AND NOT a.attisdropped`;

/**
 * Finds what keeps a table from being an outbox, as one problem; nothing for a table that is not there, which is found
 * otherwise.
 *
 * @param name `schema.table`.
 */
export async function findUnfitOutbox(
  name: string,
  ask: AskDatabase,
): Promise<readonly SourceTableProblem[]> {
  const parts = splitTableName(name);
  const rows = await ask(DESCRIBE, [parts.schema, parts.table]);
  if (rows.length === 0) return [];
  const columns = new Map(rows.map((row) => [row['name'], row]));
  const found = Object.entries(wanted).flatMap(([column, want]) =>
    faultsOf(column, want, columns.get(column)),
  );
  if (found.length === 0) return [];
  const table = quoteParts(parts);
  return [
    {
      table: name,
      problem: 'not-an-outbox',
      found: found.map(({ said }) => said).join('; '),
      remedy: `ALTER TABLE ${table} ${found.map(({ change }) => change).join(', ')};`,
    },
  ];
}

interface Fault {
  readonly said: string;
  /** Of an ALTER TABLE. */
  readonly change: string;
}

function faultsOf(column: string, want: WantedColumn, row: TextRow | undefined): readonly Fault[] {
  const { types, mayBeNull } = want;
  const made = `ADD COLUMN ${column} ${types[0] ?? ''}${mayBeNull ? '' : ' NOT NULL'}`;
  if (!row) return [{ said: `${column} is missing`, change: made }];
  if (row['generated'] === 't') {
    return [{ said: `${column} is generated`, change: `DROP COLUMN ${column}, ${made}` }];
  }
  const type = row['type'] ?? '';
  const faults: Fault[] = [];
  if (!types.includes(type)) {
    faults.push({
      said: `${column} is ${type}, wanted ${types.join(', ')}`,
      change: `ALTER COLUMN ${column} TYPE ${types[0] ?? ''} USING ${column}::${types[0] ?? ''}`,
    });
  }
  if (!mayBeNull && row['not_null'] !== 't') {
    faults.push({ said: `${column} may be null`, change: `ALTER COLUMN ${column} SET NOT NULL` });
  }
  if (mayBeNull && row['not_null'] !== 't' && row['has_default'] === 't') {
    const said = `${column} may be null and has a default, which Debezium would tell in place of a null`;
    faults.push({ said, change: `ALTER COLUMN ${column} DROP DEFAULT` });
  }
  return faults;
}

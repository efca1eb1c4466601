import type { AskDatabase, TextRow } from '../postgres/source-database.ts';
import type { SourceTableProblem } from './source-table-error.ts';
import { quoteName, quoteParts, splitTableName, type TableName } from '../../rows/table-name.ts';
import { parseNames } from '../postgres/catalog.ts';

/** Finds everything that keeps the named tables out of a feed. Empty when they all fit. */
export async function findUnfitTables(
  names: readonly string[],
  ask: AskDatabase,
): Promise<readonly SourceTableProblem[]> {
  const problems: SourceTableProblem[] = [];
  for (const table of names) {
    const parts = tryToSplit(table);
    if (!parts) {
      problems.push({
        table,
        problem: 'name',
        remedy: 'give the table a name without points (ALTER TABLE ... RENAME TO ...)',
      });
      continue;
    }
    const [row] = await ask(DESCRIBE, [parts.schema, parts.table]);
    if (row) problems.push(...problemsOf(row, parts).map((problem) => ({ table, ...problem })));
    else problems.push({ table, problem: 'missing', ...(await suggestion(parts, ask)) });
  }
  return problems;
}

function tryToSplit(name: string): TableName | null {
  try {
    return splitTableName(name);
  } catch {
    return null; // said as a problem, with those of the other tables
  }
}

/**
 * The relation `c`, with what the feed asks of it. `unwritable` asks of each relation that holds rows what PostgreSQL
 * asks before it updates or deletes a row of a published one (CheckCmdReplicaIdentity): an index as replica identity that
 * is valid and not deferrable, and since PostgreSQL 18 no generated column in the identity. Old rows are written by partitions, so the replica identity is that of
 * each of them: `identities` names those whose old rows lack a column of the root's key.
 */
const DESCRIBE = `
  SELECT c.relkind AS kind, c.relpersistence AS persistence, current_user AS role,
    c.oid < 16384 OR n.nspname = 'banyan' OR n.nspname LIKE 'pg\\_temp\\_%' AS system,
    CASE WHEN c.relispartition THEN pg_catalog.pg_partition_root(c.oid)::regclass::text END AS root,
    EXISTS (SELECT FROM pg_catalog.pg_index i WHERE i.indrelid = c.oid AND i.indisprimary) AS has_key,
    (SELECT i.indexrelid::regclass::text FROM pg_catalog.pg_index i
      WHERE i.indrelid = c.oid AND i.indisunique AND i.indimmediate AND i.indpred IS NULL AND i.indexprs IS NULL
        AND NOT EXISTS (SELECT FROM pg_catalog.pg_attribute a
          WHERE a.attrelid = c.oid AND a.attnum = ANY (i.indkey) AND NOT a.attnotnull)
      ORDER BY 1 LIMIT 1) AS candidate,
    EXISTS (SELECT FROM pg_catalog.pg_index i JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid
      WHERE i.indrelid = c.oid AND i.indisprimary AND a.attnum = ANY (i.indkey) AND a.attgenerated <> '') AS generated_key,
    (SELECT json_agg(a.attname ORDER BY a.attnum) FROM pg_catalog.pg_attribute a
      WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''
        AND NOT has_column_privilege(c.oid, a.attnum, 'SELECT')) AS unreadable,
    row_security_active(c.oid) AS hides_rows, getdatabaseencoding() = 'SQL_ASCII' AS unknown_encoding,
    EXISTS (SELECT FROM pg_catalog.pg_attribute a
      WHERE a.attrelid = c.oid AND a.attname = '__proto__' AND NOT a.attisdropped) AS proto,
    pg_has_role(c.relowner, 'USAGE')
      AND NOT (has_table_privilege(c.oid, 'UPDATE') AND has_table_privilege(c.oid, 'DELETE')) AS revoked,
    (SELECT json_agg(r.oid::regclass::text ORDER BY r.oid) FROM pg_catalog.pg_class r
      WHERE (r.oid = c.oid OR r.oid IN (SELECT relid FROM pg_catalog.pg_partition_tree(c.oid)))
        AND r.relreplident NOT IN ('d', 'f')
        AND NOT (r.relreplident = 'i' AND NOT EXISTS (
          SELECT FROM pg_catalog.pg_index k JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum = ANY (k.indkey)
          WHERE k.indrelid = c.oid AND k.indisprimary AND NOT EXISTS (
            SELECT FROM pg_catalog.pg_index i JOIN pg_catalog.pg_attribute b ON b.attrelid = r.oid AND b.attnum = ANY (i.indkey)
            WHERE i.indrelid = r.oid AND i.indisreplident AND b.attname = a.attname)))) AS identities,
    (SELECT json_agg(json_build_object('relation', u.relation, 'cause', u.cause) ORDER BY u.relation) FROM (
      SELECT r.oid::regclass::text AS relation, CASE
        WHEN r.relreplident = 'd' AND keys.made = 0 THEN 'no-key'
        WHEN r.relreplident = 'd' AND keys.valid = 0 THEN 'invalid-key'
        WHEN r.relreplident = 'd' AND keys.immediate = 0 THEN 'deferrable-key'
        WHEN r.relreplident = 'i' AND keys.chosen = 0 THEN 'invalid-index'
        WHEN current_setting('server_version_num')::int >= 180000 AND (r.relreplident = 'f' OR r.relreplident = 'i')
          AND EXISTS (SELECT FROM pg_catalog.pg_attribute g
            WHERE g.attrelid = r.oid AND g.attgenerated <> '' AND NOT g.attisdropped
              AND (r.relreplident = 'f' OR g.attnum = ANY (keys.chosen_columns))) THEN 'generated-identity'
        END AS cause
      FROM pg_catalog.pg_class r, LATERAL (
        SELECT count(*) FILTER (WHERE i.indisprimary) AS made,
          count(*) FILTER (WHERE i.indisprimary AND i.indisvalid) AS valid,
          count(*) FILTER (WHERE i.indisprimary AND i.indisvalid AND i.indimmediate) AS immediate,
          count(*) FILTER (WHERE i.indisreplident AND i.indisvalid AND i.indimmediate) AS chosen,
          string_to_array((array_agg(i.indkey::text) FILTER (WHERE i.indisreplident))[1], ' ')::int2[] AS chosen_columns
        FROM pg_catalog.pg_index i WHERE i.indrelid = r.oid) keys
      WHERE r.relkind = 'r' AND (r.oid = c.oid OR r.oid IN (SELECT relid FROM pg_catalog.pg_partition_tree(c.oid)))
    ) u WHERE u.cause IS NOT NULL) AS unwritable
  FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
  WHERE n.nspname = $1 AND c.relname = $2`;

/** Kinds of relations that have rows but no feed. */
const KINDS: Readonly<Record<string, string>> = {
  v: 'a view: name the tables that it reads',
  m: 'a materialized view: name the tables that it reads',
  f: 'a foreign table: its changes are in the other database',
};

type Problem = Omit<SourceTableProblem, 'table'>;

function problemsOf(row: TextRow, parts: TableName): readonly Problem[] {
  const name = quoteParts(parts);
  const kind = row['kind'] ?? '';
  if (row['system'] === 't') return [{ problem: 'system' }];
  if (kind !== 'r' && kind !== 'p') {
    return [{ problem: 'not-a-table', found: KINDS[kind] ?? 'something else' }];
  }
  if (row['root'] != null) return [{ problem: 'partition', remedy: `name ${row['root']} instead` }];
  const problems: Problem[] = [];
  if (row['persistence'] === 'u') {
    problems.push({ problem: 'unlogged', remedy: `ALTER TABLE ${name} SET LOGGED;` });
  }
  if (row['has_key'] !== 't') {
    problems.push({ problem: 'no-primary-key', remedy: keyRemedy(name, row['candidate'] ?? null) });
  } else if (row['generated_key'] === 't') {
    problems.push({ problem: 'generated-key', remedy: 'make another primary key, of stored columns' });
  } else if (row['identities'] != null) {
    const alter = parseNames(row['identities']).map((of) => `ALTER TABLE ${of} REPLICA IDENTITY DEFAULT;`);
    problems.push({ problem: 'replica-identity', remedy: alter.join(' ') });
  } else if (row['unwritable'] != null) {
    problems.push(...unwritableProblems(row['unwritable']));
  }
  if (row['proto'] === 't') {
    problems.push({
      problem: 'column-name',
      found: '__proto__',
      remedy: `ALTER TABLE ${name} RENAME COLUMN "__proto__" TO ...;`,
    });
  }
  if (row['unknown_encoding'] === 't') {
    problems.push({
      problem: 'encoding',
      remedy: 'copy it into a database of its real encoding: createdb -E UTF8 ..., pg_dump, psql',
    });
  }
  problems.push(...rightsProblems(row, name));
  return problems;
}

/** Why PostgreSQL would refuse to update a relation in a publication, and what ends that. */
const causes = {
  'no-key': {
    found: 'has no primary key of its own',
    remedy: (of: string) => `ALTER TABLE ${of} ADD PRIMARY KEY (...);`,
  },
  'invalid-key': {
    found: 'has a primary key whose index is not valid',
    remedy: (of: string) => `REINDEX TABLE CONCURRENTLY ${of};`,
  },
  'deferrable-key': {
    found: 'has a primary key that is DEFERRABLE',
    remedy: (of: string) =>
      `ALTER TABLE ${of} ADD CONSTRAINT ... UNIQUE (the key's columns); ` +
      `ALTER TABLE ${of} REPLICA IDENTITY USING INDEX ... (that constraint's name);`,
  },
  'invalid-index': {
    found: 'has a replica identity whose index is gone, not valid or DEFERRABLE',
    remedy: (of: string) => `ALTER TABLE ${of} REPLICA IDENTITY DEFAULT;`,
  },
  'generated-identity': {
    found: 'has a generated column in its replica identity',
    remedy: (of: string) => `ALTER TABLE ${of} REPLICA IDENTITY DEFAULT;`,
  },
} as const;

function unwritableProblems(json: string): readonly Problem[] {
  const found = JSON.parse(json) as readonly { relation: string; cause: keyof typeof causes }[];
  return [
    {
      problem: 'unwritable',
      found: found.map(({ relation, cause }) => `${relation} ${causes[cause].found}`).join('; '),
      remedy: found.map(({ relation, cause }) => causes[cause].remedy(relation)).join(' '),
    },
  ];
}

function rightsProblems(row: TextRow, name: string): readonly Problem[] {
  const role = quoteName(row['role'] ?? '');
  const unreadable = parseNames(row['unreadable']);
  const problems: Problem[] = [];
  if (unreadable.length > 0) {
    problems.push({
      problem: 'unreadable',
      found: unreadable.join(', '),
      remedy: `GRANT SELECT ON ${name} TO ${role};`,
    });
  }
  if (row['revoked'] === 't') {
    problems.push({ problem: 'untried', remedy: `GRANT UPDATE, DELETE ON ${name} TO ${role};` });
  }
  if (row['hides_rows'] === 't') {
    problems.push({
      problem: 'hidden-rows',
      remedy: `ALTER ROLE ${role} BYPASSRLS; or ALTER TABLE ${name} NO FORCE ROW LEVEL SECURITY;`,
    });
  }
  return problems;
}

function keyRemedy(name: string, candidate: string | null): string {
  return candidate === null
    ? `ALTER TABLE ${name} ADD COLUMN id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY; (this rewrites the table; ` +
        'ADD PRIMARY KEY (...) if columns that it has are unique and never null)'
    : `ALTER TABLE ${name} ADD PRIMARY KEY USING INDEX ${candidate};`;
}

/** A table that was probably meant: the same but for case and quotes. */
async function suggestion(
  { schema, table }: TableName,
  ask: AskDatabase,
): Promise<{ readonly remedy?: string }> {
  const rows = await ask(
    `SELECT n.nspname || '.' || c.relname AS name
     FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
     WHERE c.relkind IN ('r', 'p') AND lower(n.nspname) = lower($1) AND lower(c.relname) = lower($2)
     ORDER BY 1 LIMIT 1`,
    [bare(schema), bare(table)],
  );
  const found = rows[0]?.['name'];
  return found == null ? {} : { remedy: `name it as it is, ${found}` };
}

function bare(name: string): string {
  return name.replace(/^"(.*)"$/, '$1');
}

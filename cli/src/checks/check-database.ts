import pg from 'pg';
import { describeFailure } from './system-failure.ts';
import { ok, problem, type Finding } from './finding.ts';

export interface DatabaseWants {
  readonly url: string;
  /** Name of the feed's slot: it may be there already. */
  readonly feed: string;
  /** `schema.table` of all tables that slices copy. */
  readonly tables: readonly string[];
}

interface ServerRow {
  readonly version: number;
  readonly wal_level: string;
  readonly role: string;
  readonly free_slots: number;
  readonly has_slot: boolean;
  readonly may_replicate: boolean;
  readonly has_publication: boolean;
  readonly has_schema: boolean;
  readonly may_use_schema: boolean;
  readonly may_create: boolean;
  readonly database: string;
}

const SERVER = `
  SELECT current_setting('server_version_num')::int AS version, current_setting('wal_level') AS wal_level,
    current_user AS role, current_database() AS database,
    current_setting('max_replication_slots')::int - (SELECT count(*) FROM pg_replication_slots)::int AS free_slots,
    EXISTS (SELECT FROM pg_replication_slots WHERE slot_name = $1) AS has_slot,
    EXISTS (SELECT FROM pg_publication WHERE pubname = $1) AS has_publication,
    (SELECT rolreplication OR rolsuper FROM pg_roles WHERE rolname = current_user) AS may_replicate,
    n.oid IS NOT NULL AS has_schema,
    coalesce(has_schema_privilege(n.oid, 'USAGE') AND has_schema_privilege(n.oid, 'CREATE'), false) AS may_use_schema,
    has_database_privilege(current_database(), 'CREATE') AS may_create
  FROM (SELECT) one LEFT JOIN pg_namespace n ON n.nspname = 'banyan'`;

const TABLES = `
  SELECT wanted.name, c.oid IS NOT NULL AS exists, pg_get_userbyid(c.relowner) AS owner,
    coalesce(pg_has_role(c.relowner, 'USAGE'), false) AS is_ours
  FROM unnest($1::text[]) AS wanted (name)
  LEFT JOIN (pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace)
    ON n.nspname || '.' || c.relname = wanted.name AND c.relkind IN ('r', 'p')
  ORDER BY wanted.name`;

/** What the feed needs of a database of one's own. Only reads. */
export async function checkDatabase({ url, feed, tables }: DatabaseWants): Promise<Finding[]> {
  if (!URL.canParse(url) || !/^postgres(ql)?:$/.test(new URL(url).protocol)) {
    return [
      problem(
        'source.url',
        'it is no URL',
        'postgres://user:password@host:5432/database in what source.url names',
      ),
    ];
  }
  const client = new pg.Client({
    connectionString: url,
    connectionTimeoutMillis: 5_000,
    query_timeout: 5_000,
  });
  client.on('error', () => undefined); // the question that waits fails with it
  try {
    await client.connect();
    const { rows } = await client.query<ServerRow>(SERVER, [feed]);
    const owned = await client.query<TableRow>(TABLES, [tables]);
    return [...rows.flatMap(judgeServer), ...owned.rows.map((row) => judgeTable(row, rows[0]?.role ?? ''))];
  } catch (error) {
    const { host } = new URL(url);
    return [
      problem(
        'database',
        `${host} cannot be asked: ${describeFailure(error)}`,
        'is the server up, and source.url right?',
      ),
    ];
  } finally {
    await client.end().catch(() => undefined); // a connection that never was
  }
}

function judgeServer(row: ServerRow): Finding[] {
  const role = pg.escapeIdentifier(row.role);
  const database = pg.escapeIdentifier(row.database);
  const check = (name: string, good: boolean, got: string, remedy: string): Finding =>
    good ? ok(name, got) : problem(name, got, remedy);
  return [
    check('PostgreSQL 15 or newer', row.version >= 150_000, String(row.version), 'upgrade the server'),
    check(
      'wal_level',
      row.wal_level === 'logical',
      row.wal_level,
      `ALTER SYSTEM SET wal_level = 'logical'; then restart the server`,
    ),
    check(
      'a free replication slot',
      row.free_slots > 0 || row.has_slot,
      row.has_slot ? 'Banyan’s own is there' : String(row.free_slots),
      'raise max_replication_slots and restart the server, or drop a slot that nobody needs: banyan feed drop --slot NAME',
    ),
    check(
      'role may replicate',
      row.may_replicate,
      row.may_replicate ? row.role : `${row.role} may not`,
      `ALTER ROLE ${role} REPLICATION;`,
    ),
    row.has_schema
      ? check(
          'the schema banyan',
          row.may_use_schema,
          row.may_use_schema ? 'it is there' : `${row.role} may not use it: it is somebody else's`,
          `GRANT USAGE, CREATE ON SCHEMA banyan TO ${role};`,
        )
      : check(
          'role may make the schema banyan',
          row.may_create,
          row.may_create ? row.role : `${row.role} may not`,
          `GRANT CREATE ON DATABASE ${database} TO ${role};`,
        ),
    ...(row.has_schema && !row.has_publication && !row.may_create
      ? [
          problem(
            'role may make a publication',
            `${row.role} may not`,
            `GRANT CREATE ON DATABASE ${database} TO ${role};`,
          ),
        ]
      : []),
  ];
}

interface TableRow {
  readonly name: string;
  readonly exists: boolean;
  readonly owner: string | null;
  readonly is_ours: boolean;
}

function judgeTable({ name, exists, owner, is_ours: isOurs }: TableRow, role: string): Finding {
  const check = `table ${name}`;
  if (!exists) {
    return {
      check,
      verdict: 'warning',
      got: 'there is no such table',
      remedy: 'correct the slice that maps it',
    };
  }
  const grant = `GRANT ${pg.escapeIdentifier(owner ?? '')} TO ${pg.escapeIdentifier(role)};`;
  return isOurs
    ? ok(check, `of ${owner}`)
    : problem(check, `of ${owner}, of which ${role} is no member: it cannot be put into the feed`, grant);
}

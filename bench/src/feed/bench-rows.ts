import { defineSlice, stringifyExactJson } from '@banyan/contracts';
import type { BusRecord } from '@banyan/cdc/bus';

/** Bytes of one row as COPY prints it, line end included. */
export const ROW_BYTES = 558;
export const SOURCE_TABLE = 'public.bench_row';
/** First part of every topic. */
export const PREFIX = 'bench';
export const TOPIC = `${PREFIX}.${SOURCE_TABLE}`;

const COLUMNS = [
  'id',
  'customer_id',
  'rating',
  'title',
  'status',
  'helpful_count',
  'created_at',
  'body',
] as const;

/** The slice that all benchmarks move: one table of friendly types, nothing renamed. */
export const benchSlice = defineSlice({
  name: 'bench',
  title: 'Rows of 558 bytes',
  routes: [{ path: '/bench' }],
  tables: [
    {
      source: SOURCE_TABLE,
      target: 'bench_row',
      kind: 'owned',
      key: ['id'],
      columns: Object.fromEntries(COLUMNS.map((column) => [column, column])),
    },
  ],
});

/** The table in the monolith's place. */
export const createSourceTable = `CREATE TABLE ${SOURCE_TABLE} (
  id bigint PRIMARY KEY, customer_id bigint NOT NULL, rating smallint NOT NULL, title varchar(120) NOT NULL,
  status varchar(20) NOT NULL, helpful_count integer NOT NULL, created_at timestamptz NOT NULL, body text NOT NULL)`;

/** The table in a service's SQLite store. */
export const createSqliteTable = `CREATE TABLE bench_row (
  id INTEGER PRIMARY KEY, customer_id INTEGER NOT NULL, rating INTEGER NOT NULL, title TEXT NOT NULL,
  status TEXT NOT NULL, helpful_count INTEGER NOT NULL, created_at TEXT NOT NULL, body TEXT NOT NULL) STRICT`;

/** The table in a service's PostgreSQL store. */
export const createPostgresTable = createSourceTable.replace(SOURCE_TABLE, 'bench_row');

const SENTENCES = 'The drawers run well, the wood is solid, and it came in time. ';

/** Statement that inserts the rows `$1` to `$2`; each is `ROW_BYTES` long. */
export const insertRows = `INSERT INTO ${SOURCE_TABLE} (${COLUMNS.join(', ')})
  SELECT id, customer_id, rating, title, status, helpful_count, created_at,
    rpad('${SENTENCES}', ${ROW_BYTES - 1} - length(concat_ws(E'\\t', id, customer_id, rating, title, status,
      helpful_count, created_at, '')), '${SENTENCES}')
  FROM (SELECT id, id % 5000 AS customer_id, id % 5 + 1 AS rating, 'Review number ' || id AS title,
      'published' AS status, (id % 7)::int AS helpful_count,
      timestamptz '2026-01-01 00:00:00.123456+00' AS created_at
    FROM generate_series($1::bigint, $2::bigint) AS id) AS made`;

/** One row as the mapping hands it to a store, in the order of the columns. */
export function benchRow(id: number): Readonly<Record<(typeof COLUMNS)[number], string | number>> {
  const createdAt = '2026-01-01T00:00:00.123456Z';
  const fields = { id, customer_id: id % 5_000, rating: (id % 5) + 1, title: `Review number ${id}` };
  const rest = { status: 'published', helpful_count: id % 7, created_at: createdAt };
  const used = Object.values({ ...fields, ...rest }).join('\t').length + 2;
  return { ...fields, ...rest, body: SENTENCES.repeat(9).slice(0, ROW_BYTES - used) };
}

/** The bus record of a row's insertion, as the reader writes it. */
export function benchRecord(id: number, committedAtMs: number): BusRecord {
  const at = {
    ts_ms: committedAtMs,
    ts_us: committedAtMs * 1_000,
    ts_ns: BigInt(committedAtMs) * 1_000_000n,
  };
  const source = {
    version: 'banyan-1',
    connector: 'postgresql',
    name: PREFIX,
    ts_ms: at.ts_ms,
    snapshot: 'false',
    db: 'postgres',
    sequence: '["24765936","24767072"]',
    ts_us: at.ts_us,
    ts_ns: at.ts_ns,
    schema: 'public',
    table: 'bench_row',
    txId: 762,
    lsn: 24_767_072,
    xmin: null,
    origin: null,
    origin_lsn: null,
  };
  const value = { before: null, after: benchRow(id), source, transaction: null, op: 'c', ...at };
  return { topic: TOPIC, key: `{"id":${id}}`, headers: {}, value: stringifyExactJson(value) };
}

/** Transactions of several statements on few rows with large values, and a copy that has to end equal to their table. */
import { defineSlice } from '@banyan/contracts';
import fc from 'fast-check';
import pg from 'pg';

export const MIXED_TABLE = 'public.mixed';
const ROWS = 6;

/** Values that are stored out of line, so that an update which leaves them as they are does not log them. */
export const mixedSchema = `
  CREATE TABLE public.mixed (id int PRIMARY KEY, n int NOT NULL, big text, doc jsonb, bytes bytea, words text[], nums bigint[]);
  ALTER TABLE public.mixed ALTER COLUMN big SET STORAGE EXTERNAL, ALTER COLUMN doc SET STORAGE EXTERNAL,
    ALTER COLUMN bytes SET STORAGE EXTERNAL, ALTER COLUMN words SET STORAGE EXTERNAL,
    ALTER COLUMN nums SET STORAGE EXTERNAL`;

export const mixedStoreSchema =
  'CREATE TABLE mixed (id INTEGER PRIMARY KEY, n INTEGER NOT NULL, big TEXT, doc TEXT, bytes TEXT, words TEXT, nums TEXT)';

const columns = ['id', 'n', 'big', 'doc', 'bytes', 'words', 'nums'];

export const mixedSlice = defineSlice({
  name: 'mixed',
  title: 'Mixed',
  routes: [{ path: '/mixed' }],
  tables: [
    {
      source: MIXED_TABLE,
      target: 'mixed',
      kind: 'owned',
      key: ['id'],
      columns: Object.fromEntries(columns.map((name) => [name, name])),
    },
  ],
});

type Statement = (row: number, other: number, value: number) => string;

const large = (value: number): string => `repeat('${value}.', 3000)`;
const values = (value: number): string =>
  `${large(value)}, to_jsonb(${large(value)}), convert_to(${large(value)}, 'UTF8'), ARRAY[${large(value)}],
   (SELECT array_agg(${value}::bigint + i) FROM generate_series(1, 800) i)`;

const statements: readonly Statement[] = [
  (row, _other, value) => `INSERT INTO mixed VALUES (${row}, 0, ${values(value)}) ON CONFLICT DO NOTHING`,
  (row) => `UPDATE mixed SET n = n + 1 WHERE id = ${row}`,
  (row, _other, value) => `UPDATE mixed SET big = ${large(value)} WHERE id = ${row}`,
  (row, _other, value) =>
    `UPDATE mixed SET (big, doc, bytes, words, nums) = (SELECT ${values(value)}) WHERE id = ${row}`,
  (row) => `DELETE FROM mixed WHERE id = ${row}`,
  (row, other) =>
    `UPDATE mixed SET id = ${other} WHERE id = ${row} AND NOT EXISTS (SELECT FROM mixed WHERE id = ${other})`,
  (row, other, value) =>
    `SAVEPOINT s; UPDATE mixed SET big = ${large(value)}, n = n + 1 WHERE id IN (${row}, ${other}); ROLLBACK TO s`,
];

const row = fc.integer({ min: 1, max: ROWS });
const statement = fc
  .tuple(fc.constantFrom(...statements), row, row, fc.integer({ min: 0, max: 99_999 }))
  .map(([make, one, other, value]) => make(one, other, value));
const transaction = fc.array(statement, { minLength: 1, maxLength: 5 });

/** The same transactions for the same seed. */
export function mixedTransactions(count: number, seed: number): readonly (readonly string[])[] {
  return fc.sample(transaction, { numRuns: count, seed });
}

/**
 * Runs transactions by several writers at once.
 *
 * @returns how many committed; those that met each other (a deadlock, a key that was taken meanwhile) did not.
 */
export async function runMixed(
  url: string,
  transactions: readonly (readonly string[])[],
  writers: number,
): Promise<number> {
  const pool = new pg.Pool({ connectionString: url, max: writers });
  const queue = [...transactions];
  let committed = 0;
  async function write(): Promise<void> {
    for (let next = queue.shift(); next; next = queue.shift()) {
      const client = await pool.connect();
      try {
        await client.query('BEGIN');
        for (const sql of next) await client.query(sql);
        await client.query('COMMIT');
        committed += 1;
      } catch (error) {
        if (!(error instanceof pg.DatabaseError)) throw error;
        await client.query('ROLLBACK');
      } finally {
        client.release();
      }
    }
  }
  try {
    await Promise.all(Array.from({ length: writers }, write));
  } finally {
    await pool.end();
  }
  return committed;
}

/**
 * Makes every commit wait until it is let go, so that it is in the log, and read from there, long before others see it.
 * Let go are those that have waited for `waitMs`.
 */
export async function withLateVisibility(
  url: string,
  waitMs: number,
  work: () => Promise<void>,
): Promise<void> {
  const admin = new pg.Pool({ connectionString: url, max: 1, options: '-c synchronous_commit=local' });
  const set = async (names: string): Promise<void> => {
    await admin.query(`ALTER SYSTEM SET synchronous_standby_names = '${names}'`);
    await admin.query('SELECT pg_reload_conf()');
  };
  const letGo = (ms: number): Promise<unknown> =>
    admin.query(
      `SELECT pg_cancel_backend(pid) FROM pg_stat_activity
       WHERE wait_event = 'SyncRep' AND state_change < now() - make_interval(secs => $1)`,
      [ms / 1_000],
    );
  await set('nobody');
  const over = new AbortController();
  const releasing = (async () => {
    while (!over.signal.aborted) await letGo(waitMs);
  })();
  try {
    await work();
  } finally {
    await set('');
    over.abort();
    await releasing;
    await letGo(0);
    await admin.end();
  }
}

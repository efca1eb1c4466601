import pg from 'pg';
import { rateUntil } from '../feed/feed.ts';

const POLL_MS = 20;

/**
 * Rows a second into a store's table, from the first look at which it holds some. Whoever writes them is asked nothing.
 *
 * @param url PostgreSQL with the table. The rows' ids are 1 to `rows`, and come in this order.
 * @throws Error when rows are missing in the end.
 */
export async function storedRate(url: string, rows: number): Promise<number> {
  const client = new pg.Client(url);
  await client.connect();
  const ask = async (sql: string): Promise<number> =>
    Number((await client.query<{ found: string | null }>(sql)).rows[0]?.found ?? 0);
  try {
    const rate = await rateUntil(rows, () => ask('SELECT max(id) AS found FROM bench_row'), POLL_MS);
    const found = await ask('SELECT count(*) AS found FROM bench_row');
    if (found !== rows) throw new Error(`The store holds ${found} rows instead of ${rows}.`);
    return rate;
  } finally {
    await client.end();
  }
}

import { openSqliteFile } from '@banyan/kit/sqlite';
import pg from 'pg';
import { SOURCE_TABLE } from '../bench-rows.ts';
import { serve } from './serve.ts';

/** Rows of one answer, on both sides. */
const PAGE_ROWS = 1_000;

const client = new pg.Client(process.env['DATABASE_URL']);
await client.connect();
const store = await openSqliteFile({ file: process.env['STORE_FILE'] ?? '', mode: 'read' });

/** Walks a table in the order of its key, page by page. @returns rows seen. */
async function walk(
  page: (after: string) => Promise<readonly { readonly id: string | number }[]>,
): Promise<number> {
  let after = '0';
  for (let seen = 0; ;) {
    const rows = await page(after);
    seen += rows.length;
    const last = rows.at(-1);
    if (!last) return seen;
    after = String(last.id);
  }
}

async function readSource(): Promise<number> {
  const sql = `SELECT * FROM ${SOURCE_TABLE} WHERE id > $1 ORDER BY id LIMIT ${PAGE_ROWS}`;
  const types = { getTypeParser: () => (text: string) => text };
  return await walk(
    async (after) => (await client.query<{ id: string }>({ text: sql, values: [after], types })).rows,
  );
}

async function readStore(): Promise<number> {
  const sql = `SELECT * FROM bench_row WHERE id > ? ORDER BY id LIMIT ${PAGE_ROWS}`;
  return await walk((after) => store.raw<{ id: number }[]>(sql, [after]));
}

/** Every row of both sides into this process, once, one side after the other; nothing compared. */
serve({
  async read() {
    const startMs = performance.now();
    const rows = await readSource();
    const rowsInStore = await readStore();
    return { rows, rowsInStore, ms: performance.now() - startMs };
  },
});

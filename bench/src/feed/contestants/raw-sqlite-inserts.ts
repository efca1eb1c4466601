import { openSqliteFile } from '@banyan/cdc';
import { benchRow, createSqliteTable } from '../bench-rows.ts';
import { serve } from './serve.ts';

/** Rows of one transaction and one statement; the consumer's batch. */
const BATCH_ROWS = 500;

const knex = await openSqliteFile({ file: process.env['STORE_FILE'] ?? '' });

/** knex's own batched insert into the table that the consumer writes, each batch committed. */
serve({
  async insert({ rows }) {
    await knex.raw('DROP TABLE IF EXISTS bench_row');
    await knex.raw(createSqliteTable);
    const made = Array.from({ length: Number(rows) }, (_, i) => benchRow(i + 1));
    const startMs = performance.now();
    for (let first = 0; first < made.length; first += BATCH_ROWS) {
      await knex.transaction((trx) =>
        trx.batchInsert('bench_row', made.slice(first, first + BATCH_ROWS), BATCH_ROWS),
      );
    }
    return { rowsPerSecond: (made.length / (performance.now() - startMs)) * 1_000 };
  },
});

import { benchRow } from '../bench-rows.ts';
import { makeTable, openWriter } from './open-store.ts';
import { serve } from './serve.ts';

/** Rows of one transaction and one statement; the consumer's batch. */
const BATCH_ROWS = 500;

const knex = await openWriter();

/** knex's own batched insert into a table like that which the consumer writes, each batch committed. */
serve({
  async insert({ rows }) {
    await makeTable(knex);
    const made = Array.from({ length: Number(rows) }, (_, i) => benchRow(i + 1));
    const startMs = performance.now();
    for (let first = 0; first < made.length; first += BATCH_ROWS) {
      const batch = made.slice(first, first + BATCH_ROWS);
      await knex.transaction((trx) => trx.batchInsert('bench_row', batch, BATCH_ROWS));
    }
    return { rowsPerSecond: (made.length / (performance.now() - startMs)) * 1_000 };
  },
});

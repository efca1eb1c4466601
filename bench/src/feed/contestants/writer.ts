import pg from 'pg';
import { percentile } from '../measurement.ts';
import { insertRows, SOURCE_TABLE } from '../bench-rows.ts';
import { serve } from './serve.ts';

/** How many transactions may be open at once. */
const CONNECTIONS = 8;

const pool = new pg.Pool({ connectionString: process.env['DATABASE_URL'] ?? '', max: CONNECTIONS });

/** Next id to insert; each transaction inserts one row or updates an earlier one, in turn. */
let nextId = 1;

/** @returns rows written: none when the one to update is not there yet, its insertion being slow. */
async function writeOne(turn: number): Promise<number> {
  if (turn % 2 === 0 || nextId < 100) {
    const id = nextId;
    nextId += 1;
    return (await pool.query(insertRows, [id, id])).rowCount ?? 0;
  } else {
    const id = 1 + ((turn * 7_919) % (nextId - 50)); // far enough behind those that are being inserted
    const sql = `UPDATE ${SOURCE_TABLE} SET helpful_count = helpful_count + 1 WHERE id = $1`;
    return (await pool.query(sql, [id])).rowCount ?? 0;
  }
}

/**
 * Keeps to a plan: transaction `n` is due at `n / perSecond`, however long the ones before took. One that is late is
 * begun at once.
 */
async function keepRate(perSecond: number, timeMs: number): Promise<object> {
  const total = Math.round((perSecond * timeMs) / 1_000);
  const startMs = performance.now();
  const tookMs: number[] = [];
  let next = 0;
  let rows = 0;
  const worker = async (): Promise<void> => {
    for (;;) {
      const turn = next;
      next += 1;
      if (turn >= total) return;
      const waitMs = startMs + (turn / perSecond) * 1_000 - performance.now();
      if (waitMs > 0.5) await new Promise((resolve) => setTimeout(resolve, waitMs));
      const beganMs = performance.now();
      const written = await writeOne(turn);
      rows += written;
      tookMs.push(performance.now() - beganMs);
    }
  };
  await Promise.all(Array.from({ length: CONNECTIONS }, worker));
  return {
    rows,
    perSecond: (total / (performance.now() - startMs)) * 1_000,
    p50Ms: percentile(tookMs, 0.5),
    p99Ms: percentile(tookMs, 0.99),
  };
}

serve({ write: ({ perSecond, timeMs }) => keepRate(Number(perSecond), Number(timeMs)) });

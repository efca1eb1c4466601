import type { Knex } from 'knex';
import { immediateTransaction, type RunSql } from '../sqlite/transaction.ts';
import {
  ProgressMovedError,
  StoreError,
  type ApplyBatch,
  type ApplyStore,
  type PartitionProgress,
  type ProgressMove,
} from './apply-store.ts';
import { RowRejectedError } from './reduce.ts';
import { writeTable } from './sqlite-rows.ts';
import { createSqliteRangeReader } from './sqlite-range.ts';
import { migrateApplyStore } from './store-schema.ts';

const KEPT_BARRIERS = 1_000;

/** SQLite's verdicts on a row, as against its own troubles. */
const rowFaults = new Set(['SQLITE_CONSTRAINT', 'SQLITE_MISMATCH', 'SQLITE_TOOBIG']);

/**
 * A service's SQLite store as the consumer applies to it. Rows are upserted in the order of events, not parents
 * before children: foreign keys between copied tables must be absent or `DEFERRABLE INITIALLY DEFERRED`.
 *
 * @param options.knex The connection that writes.
 * @param options.reader Another connection to the same file for reports and verification, so that they do not wait
 * behind writes. Default: `knex`.
 */
export function createSqliteApplyStore(options: { readonly knex: Knex; readonly reader?: Knex }): ApplyStore {
  const { knex, reader = knex } = options;
  const ranges = createSqliteRangeReader(reader);
  return {
    async load() {
      return await cleanly(async () => {
        await migrateApplyStore(knex);
        const progress = await knex.raw<PartitionProgress[]>(
          `SELECT topic, partition, next_offset AS nextOffset, applied_rows AS appliedRows FROM banyan_position`,
        );
        const held = await knex.raw<{ topic: string; key: string | null }[]>(
          'SELECT topic, key FROM banyan_quarantine',
        );
        return { progress, held };
      });
    },
    async apply(batch) {
      await cleanly(() => immediateTransaction(knex, (run) => applyBatch(run, batch)));
    },
    async metBarrier(id) {
      return await cleanly(() =>
        reader.raw<{ topic: string; partition: number }[]>(
          'SELECT topic, partition FROM banyan_barrier WHERE id = ?',
          [id],
        ),
      );
    },
    ranges: {
      page: (...question) => cleanly(() => ranges.page(...question)),
      text: (...question) => cleanly(async () => (await ranges.text?.(...question)) ?? null),
    },
  };
}

async function applyBatch(run: RunSql, batch: ApplyBatch): Promise<void> {
  // The progress first: a consumer that was overtaken finds out before it writes a row.
  for (const move of batch.progress) await moveProgress(run, move);
  for (const { table, change } of batch.tables) await writeTable(run, table, change);
  for (const topic of batch.releasedTopics)
    await run('DELETE FROM banyan_quarantine WHERE topic = ?', [topic]);
  await insertBarriers(run, batch.barriers);
  await insertQuarantine(run, batch.quarantine);
}

async function moveProgress(run: RunSql, move: ProgressMove): Promise<void> {
  const { topic, partition, nextOffset, appliedRows, expectedOffset } = move;
  if (expectedOffset === 0) {
    await run('INSERT OR IGNORE INTO banyan_position VALUES (?, ?, 0, 0)', [topic, partition]);
  }
  const moved = await run(
    `UPDATE banyan_position SET next_offset = ?, applied_rows = ?
     WHERE topic = ? AND partition = ? AND next_offset = ? RETURNING topic`,
    [nextOffset, appliedRows, topic, partition, expectedOffset],
  );
  if (moved.length === 0) {
    throw new ProgressMovedError(
      `The store no longer stands at offset ${expectedOffset} of ${topic}: another consumer applies to it.`,
    );
  }
}

async function insertBarriers(run: RunSql, barriers: ApplyBatch['barriers']): Promise<void> {
  if (barriers.length === 0) return;
  await run(
    `INSERT OR IGNORE INTO banyan_barrier (id, topic, partition)
     SELECT value ->> 0, value ->> 1, value ->> 2 FROM json_each(?)`,
    [JSON.stringify(barriers.map(({ id, topic, partition }) => [id, topic, partition]))],
  );
  await run(
    `DELETE FROM banyan_barrier WHERE met <= (SELECT max(met) FROM banyan_barrier) - ${KEPT_BARRIERS}`,
  );
}

async function insertQuarantine(run: RunSql, records: ApplyBatch['quarantine']): Promise<void> {
  if (records.length === 0) return;
  const rows = records.map(({ topic, partition, offset, key, headers, value, reason }) => [
    topic,
    partition,
    offset,
    key,
    JSON.stringify({ headers, value }),
    reason,
  ]);
  await run(
    `INSERT INTO banyan_quarantine (topic, partition, record_offset, key, record, reason, held_at_ms)
     SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5, ? FROM json_each(?)`,
    [Date.now(), JSON.stringify(rows)],
  );
}

/** knex puts the statement with its values into the message, and values may be personal: only SQLite's part stays. */
async function cleanly<T>(action: () => Promise<T>): Promise<T> {
  try {
    return await action();
  } catch (cause) {
    const code = typeof cause === 'object' && cause !== null && 'code' in cause ? String(cause.code) : '';
    if (!code.startsWith('SQLITE_')) throw cause;
    const text = String((cause as { message?: unknown }).message);
    const message = text.slice(Math.max(0, text.lastIndexOf(code)));
    throw rowFaults.has(code) ? new RowRejectedError(message) : new StoreError(code, message);
  }
}

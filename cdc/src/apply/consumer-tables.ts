import type { RunSql } from '@banyan/kit/sqlite';
import {
  ProgressMovedError,
  type ApplyBatch,
  type ApplyStore,
  type HeldQueue,
  type ProgressMove,
  type QuarantinedRecord,
  type QueueName,
  type RereadWindow,
} from './apply-store.ts';

/**
 * The consumer's own tables `banyan_position`, `banyan_barrier`, `banyan_quarantine` and `banyan_window`, in SQL that
 * SQLite and PostgreSQL share. PostgreSQL's driver gives 64-bit integers as text, hence `Number` on what is read.
 */
const KEPT_BARRIERS = 1_000;
/** Rows of one statement: far below either database's bound on places. */
const STATEMENT_ROWS = 100;

/** A batch but for its rows, which `writeRows` writes. Call it inside a transaction. */
export async function applyBatch(
  run: RunSql,
  batch: ApplyBatch,
  writeRows: () => Promise<void>,
): Promise<void> {
  // 1. The progress first: a consumer that was overtaken finds out before it writes a row.
  for (const move of batch.progress) await moveProgress(run, move);
  await writeRows();
  // 2. What is let go before what is newly held: the same key may be in both.
  for (const topic of batch.releasedTopics) {
    await run('DELETE FROM banyan_quarantine WHERE topic = ?', [topic]);
  }
  for (const { topic, key } of batch.releasedKeys ?? []) {
    await run('DELETE FROM banyan_quarantine WHERE topic = ? AND key = ?', [topic, key]);
  }
  await insertBarriers(run, batch.barriers);
  await insertQuarantine(run, batch.quarantine);
  await closeWindows(run, batch.closedWindows ?? []);
  await openWindows(run, batch.openedWindows ?? []);
}

interface ProgressRow {
  readonly topic: string;
  readonly partition: string;
  readonly next_offset: string;
  readonly applied_rows: string;
  /** Both 1 or 0. */
  readonly lost: string;
  readonly filled: string;
  readonly bus_id: string | null;
}

/** See `ApplyStore.load`. */
export async function readProgress(run: RunSql): ReturnType<ApplyStore['load']> {
  const progress = await run<ProgressRow>('SELECT * FROM banyan_position');
  const held = await run<{ topic: string; key: string | null; records: string }>(
    'SELECT topic, key, count(*) AS records FROM banyan_quarantine GROUP BY topic, key',
  );
  const windows = await run<{
    topic: string;
    key: string;
    partition: string;
    id: string;
    opened_at_ms: string;
  }>('SELECT * FROM banyan_window ORDER BY opened_at_ms');
  return {
    progress: progress.map((row) => ({
      topic: row.topic,
      partition: Number(row.partition),
      nextOffset: Number(row.next_offset),
      appliedRows: Number(row.applied_rows),
      lost: Number(row.lost) === 1,
      filled: Number(row.filled) === 1,
      busId: row.bus_id,
    })),
    held: held.map(({ topic, key, records }) => ({ topic, key, records: Number(records) })),
    windows: windows.map(({ topic, key, partition, id, opened_at_ms: openedAtMs }) => ({
      topic,
      key,
      partition: Number(partition),
      id,
      openedAtMs: Number(openedAtMs),
    })),
  };
}

/** See `ApplyStore.metBarrier`. */
export async function readBarrier(run: RunSql, id: string): ReturnType<ApplyStore['metBarrier']> {
  const rows = await run<{ topic: string; partition: string }>(
    'SELECT topic, partition FROM banyan_barrier WHERE id = ?',
    [id],
  );
  return rows.map(({ topic, partition }) => ({ topic, partition: Number(partition) }));
}

interface QuarantineRow {
  readonly topic: string;
  readonly partition: string;
  readonly record_offset: string;
  readonly key: string | null;
  readonly record: string;
  readonly reason: string;
  readonly held_at_ms: string;
}

/** See `ApplyStore.heldQueues`. */
export async function readHeldQueues(run: RunSql, limit: number): Promise<readonly HeldQueue[]> {
  // A record without a key has nobody behind it: its own place stands for the key.
  const rows = await run<QuarantineRow & { records: string }>(
    `SELECT held.*, queue.records FROM (
       SELECT topic, partition, min(record_offset) AS first_offset, count(*) AS records, min(held_at_ms) AS since
       FROM banyan_quarantine
       GROUP BY topic, partition, key, CASE WHEN key IS NULL THEN record_offset END
     ) queue JOIN banyan_quarantine held
       ON held.topic = queue.topic AND held.partition = queue.partition AND held.record_offset = queue.first_offset
     ORDER BY queue.since, held.topic, held.record_offset LIMIT ?`,
    [limit],
  );
  return rows.map((row) => ({
    topic: row.topic,
    key: row.key,
    records: Number(row.records),
    first: toRecord(row),
    heldSinceMs: Number(row.held_at_ms),
  }));
}

/** See `ApplyStore.heldRecords`. */
export async function readHeldRecords(
  run: RunSql,
  { topic, key }: QueueName,
): Promise<readonly QuarantinedRecord[]> {
  const rows = await run<QuarantineRow>(
    'SELECT * FROM banyan_quarantine WHERE topic = ? AND key = ? ORDER BY partition, record_offset',
    [topic, key],
  );
  return rows.map(toRecord);
}

function toRecord(row: QuarantineRow): QuarantinedRecord {
  const { headers, value } = JSON.parse(row.record) as Pick<QuarantinedRecord, 'headers' | 'value'>;
  return {
    topic: row.topic,
    partition: Number(row.partition),
    offset: Number(row.record_offset),
    key: row.key,
    headers,
    value,
    reason: row.reason,
  };
}

async function moveProgress(run: RunSql, move: ProgressMove): Promise<void> {
  const { topic, partition, nextOffset, appliedRows, lost, filled, busId, expectedOffset } = move;
  if (expectedOffset === 0) {
    await run(
      `INSERT INTO banyan_position (topic, partition, next_offset, applied_rows) VALUES (?, ?, 0, 0)
       ON CONFLICT (topic, partition) DO NOTHING`,
      [topic, partition],
    );
  }
  const moved = await run(
    `UPDATE banyan_position SET next_offset = ?, applied_rows = ?, lost = ?, filled = ?, bus_id = ?
     WHERE topic = ? AND partition = ? AND next_offset = ? RETURNING topic`,
    [nextOffset, appliedRows, lost ? 1 : 0, filled ? 1 : 0, busId, topic, partition, expectedOffset],
  );
  if (moved.length === 0) {
    throw new ProgressMovedError(
      `The store no longer stands at offset ${expectedOffset} of ${topic}: another consumer applies to it.`,
    );
  }
}

async function insertBarriers(run: RunSql, barriers: ApplyBatch['barriers']): Promise<void> {
  if (barriers.length === 0) return;
  for (let from = 0; from < barriers.length; from += STATEMENT_ROWS) {
    const part = barriers.slice(from, from + STATEMENT_ROWS);
    await run(
      `INSERT INTO banyan_barrier (id, topic, partition) VALUES ${part.map(() => '(?, ?, ?)').join(', ')}
       ON CONFLICT (id, topic, partition) DO NOTHING`,
      part.flatMap(({ id, topic, partition }) => [id, topic, partition]),
    );
  }
  await run(
    `DELETE FROM banyan_barrier WHERE met <= (SELECT max(met) FROM banyan_barrier) - ${KEPT_BARRIERS}`,
  );
}

async function insertQuarantine(run: RunSql, records: ApplyBatch['quarantine']): Promise<void> {
  const nowMs = Date.now();
  for (let from = 0; from < records.length; from += STATEMENT_ROWS) {
    const part = records.slice(from, from + STATEMENT_ROWS);
    await run(
      `INSERT INTO banyan_quarantine (topic, partition, record_offset, key, record, reason, held_at_ms)
       VALUES ${part.map(() => '(?, ?, ?, ?, ?, ?, ?)').join(', ')}`,
      part.flatMap(({ topic, partition, offset, key, headers, value, reason }) => [
        ...[topic, partition, offset, key],
        ...[JSON.stringify({ headers, value }), reason, nowMs],
      ]),
    );
  }
}

async function closeWindows(run: RunSql, windows: readonly QueueName[]): Promise<void> {
  for (let from = 0; from < windows.length; from += STATEMENT_ROWS) {
    const part = windows.slice(from, from + STATEMENT_ROWS);
    await run(
      `DELETE FROM banyan_window WHERE ${part.map(() => '(topic = ? AND key = ?)').join(' OR ')}`,
      part.flatMap(({ topic, key }) => [topic, key]),
    );
  }
}

async function openWindows(run: RunSql, windows: readonly RereadWindow[]): Promise<void> {
  for (let from = 0; from < windows.length; from += STATEMENT_ROWS) {
    const part = windows.slice(from, from + STATEMENT_ROWS);
    await run(
      `INSERT INTO banyan_window (topic, key, partition, id, opened_at_ms)
       VALUES ${part.map(() => '(?, ?, ?, ?, ?)').join(', ')}`,
      part.flatMap(({ topic, key, partition, id, openedAtMs }) => [topic, key, partition, id, openedAtMs]),
    );
  }
}

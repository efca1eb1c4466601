import type { Knex } from 'knex';
import { immediateTransaction, retryWhileBusy, type RunSql } from '@banyan/kit/sqlite';
import type { BusUsage } from '../bus.ts';
import type { DeleteStep } from '../retention/kept-bus.ts';
import { deletePieces, deletePiecesUpTo } from './sqlite-long-values.ts';

const STEP_RECORDS = 2_000;
const STEP_BYTES = 4 * 1024 * 1024;

interface Head {
  readonly topic_offset: number;
  readonly bytes_before: number;
  readonly stored_at_ms: number;
}

/** One step of deleting from a topic's beginning: one short transaction. @returns records deleted. */
export async function deleteOneStep(writer: Knex, step: DeleteStep): Promise<number> {
  return await immediateTransaction(writer, async (run) => {
    const [topic] = await run<{ id: number; first_offset: number; next_offset: number }>(
      'SELECT id, first_offset, next_offset FROM topic WHERE name = ?',
      [step.topic],
    );
    if (!topic) return 0;
    // In the transaction that deletes: a group that came a moment ago keeps what it needs.
    const bound = step.unreadToo
      ? step.before
      : Math.min(step.before, await slowest(run, step.topic, topic.first_offset));
    const heads = await run<Head>(
      `SELECT topic_offset, bytes_before, stored_at_ms FROM record WHERE topic_id = ? AND topic_offset < ?
       ORDER BY topic_offset LIMIT ${STEP_RECORDS}`,
      [topic.id, bound],
    );
    const going = takeStep(heads, step.storedBeforeMs ?? Infinity);
    const last = going.at(-1);
    // The topic begins at the bound once all below it is gone, also where records left holes.
    const first =
      going.length === heads.length && heads.length < STEP_RECORDS ? bound : (last?.topic_offset ?? -1) + 1;
    if (last) {
      await run('DELETE FROM record WHERE topic_id = ? AND topic_offset <= ?', [topic.id, last.topic_offset]);
      await deletePiecesUpTo(run, { topicId: topic.id, offset: last.topic_offset });
    }
    if (first > topic.first_offset) {
      await run('UPDATE topic SET first_offset = min(?, next_offset), records = records - ? WHERE id = ?', [
        first,
        going.length,
        topic.id,
      ]);
    }
    return going.length;
  });
}

/** Deletes single records, never a topic's last one. @returns records deleted. */
export async function deleteSingle(writer: Knex, name: string, offsets: readonly number[]): Promise<number> {
  return await immediateTransaction(writer, async (run) => {
    const gone = await run<{ topic_id: number; topic_offset: number; pieces: number }>(
      `DELETE FROM record WHERE topic_id = (SELECT id FROM topic WHERE name = ?)
         AND topic_offset IN (SELECT value FROM json_each(?))
         AND topic_offset < (SELECT next_offset FROM topic WHERE name = ?) - 1
       RETURNING topic_id, topic_offset, pieces`,
      [name, JSON.stringify(offsets), name],
    );
    for (const { topic_id, topic_offset, pieces } of gone) {
      if (pieces > 0) await deletePieces(run, { topicId: topic_id, offset: topic_offset });
    }
    await run('UPDATE topic SET records = records - ? WHERE name = ?', [gone.length, name]);
    return gone.length;
  });
}

/** Gives free pages back, a stretch at a time. @returns bytes that are left to give. */
export async function vacuumStep(writer: Knex, maxBytes: number): Promise<number> {
  const before = await pages(writer);
  const count = Math.floor(maxBytes / before.size);
  if (count < 1) return before.free * before.size;
  await retryWhileBusy(() => writer.raw(`PRAGMA incremental_vacuum(${count})`));
  // The file itself is cut when the log is folded into it.
  await retryWhileBusy(() => writer.raw('PRAGMA wal_checkpoint(PASSIVE)'));
  const { free, size } = await pages(writer);
  return free * size;
}

/** Room in use, and the limits that the keeper has set. */
export async function readUsage(reader: Knex): Promise<BusUsage> {
  const { used, free, size } = await pages(reader);
  const [limits] = await reader.raw<{ max_bytes: number | null; warn_bytes: number | null }[]>(
    'SELECT max_bytes, warn_bytes FROM bus',
  );
  return {
    bytes: (used - free) * size,
    maxBytes: limits?.max_bytes ?? null,
    warnBytes: limits?.warn_bytes ?? null,
  };
}

/** The driver's page limit is the connection's own: others (a reset, a barrier) still get through. */
export async function limitPages(writer: Knex, maxBytes: number): Promise<void> {
  const { size } = await pages(writer);
  await writer.raw(`PRAGMA max_page_count = ${Math.max(1, Math.floor(maxBytes / size))}`);
}

async function pages(knex: Knex): Promise<{ used: number; free: number; size: number }> {
  const rows = await knex.raw<{ used: number; free: number; size: number }[]>(
    `SELECT page_count AS used, freelist_count AS free, page_size AS size
     FROM pragma_page_count, pragma_freelist_count, pragma_page_size`,
  );
  return rows[0] ?? { used: 0, free: 0, size: 4096 };
}

/** The lowest offset that a group which is not lost still wants. */
async function slowest(run: RunSql, topic: string, firstOffset: number): Promise<number> {
  const [row] = await run<{ lowest: number | null }>(
    'SELECT min(next_offset) AS lowest FROM group_position WHERE topic = ? AND next_offset >= ?',
    [topic, firstOffset],
  );
  return row?.lowest ?? Infinity;
}

function takeStep(heads: readonly Head[], storedBeforeMs: number): readonly Head[] {
  const from = heads[0]?.bytes_before ?? 0;
  // The first one whatever its size.
  const end = heads.findIndex(
    ({ bytes_before, stored_at_ms }, i) =>
      stored_at_ms >= storedBeforeMs || (i > 0 && bytes_before - from > STEP_BYTES),
  );
  return end === -1 ? heads : heads.slice(0, end);
}

import { setTimeout as delay } from 'node:timers/promises';
import { parseLsn } from '../../rows/lsn.ts';
import type { SourceDatabase } from '../postgres/source-database.ts';
import { ReaderStoppedError } from './reader-error.ts';

/** A reader that is started again at once takes the slot between its eviction and the drop, so many times at most. */
const MAX_EVICTIONS = 20;
const EVICTION_PAUSE_MS = 100;

export interface SlotOptions {
  readonly database: SourceDatabase;
  readonly slot: string;
  readonly signal: AbortSignal;
}

/** Our replication slot as the server has it. */
export interface Slot {
  readonly confirmedLsn: bigint;
  /** Why it cannot be read any more, in PostgreSQL's word; null while it can. */
  readonly lostBecause: string | null;
}

/** Null without a slot of this name. @throws ReaderStoppedError `slot-foreign` for one that is not ours. */
export async function readSlot({ database, slot, signal }: SlotOptions): Promise<Slot | null> {
  // By to_jsonb, since PostgreSQL before 17 has no column for the reason.
  const rows = await database.query(
    `SELECT plugin, database, current_database() AS ours, wal_status, confirmed_flush_lsn,
       to_jsonb(s) ->> 'invalidation_reason' AS invalidated
     FROM pg_catalog.pg_replication_slots s WHERE slot_name = $1`,
    [slot],
    signal,
  );
  const row = rows[0];
  if (!row) return null;
  if (row['plugin'] !== 'pgoutput' || row['database'] !== row['ours']) {
    throw new ReaderStoppedError(
      'slot-foreign',
      `The replication slot "${slot}" is not ours: it is of plugin ${row['plugin'] ?? 'none'} and database ` +
        `${row['database'] ?? 'none'}, wanted pgoutput and ${row['ours'] ?? ''}. ` +
        'Choose another SLOT_NAME, or drop that slot if nobody needs it.',
    );
  }
  const isLost = row['wal_status'] === 'lost' || row['invalidated'] != null;
  return {
    confirmedLsn: parseLsn(row['confirmed_flush_lsn'] ?? '0/0'),
    lostBecause: isLost ? (row['invalidated'] ?? 'wal_removed') : null,
  };
}

/** Makes the slot. Waits for transactions that are open now; the caller tries again when that takes too long. */
export async function createSlot(options: SlotOptions): Promise<Slot> {
  const { database, slot, signal } = options;
  await database.query(`SELECT pg_create_logical_replication_slot($1, 'pgoutput')`, [slot], signal);
  const made = await readSlot(options);
  if (!made) throw new Error(`The replication slot "${slot}" was made and is gone already.`);
  return made;
}

/** Drops the slot, if it is ours and there. @throws the server's error while a reader is still connected to it. */
export async function dropSlot({ database, slot, signal }: SlotOptions): Promise<void> {
  await database.query(
    `SELECT pg_drop_replication_slot(slot_name) FROM pg_catalog.pg_replication_slots
     WHERE slot_name = $1 AND plugin = 'pgoutput' AND database = current_database()`,
    [slot],
    signal,
  );
}

/** Ends another reader's hold on the slot. Call it only after having taken over: that reader is fenced by then. */
export async function evictOtherReader({ database, slot, signal }: SlotOptions): Promise<void> {
  // Waits until it is gone, at most 5 s: only then the slot is free.
  await database.query(
    `SELECT pg_terminate_backend(active_pid, 5000) FROM pg_catalog.pg_replication_slots
     WHERE slot_name = $1 AND active_pid IS NOT NULL AND plugin = 'pgoutput' AND database = current_database()`,
    [slot],
    signal,
  );
}

/** Drops the slot, if it is ours and there, and ends whoever reads it: as often as he comes back. */
export async function dropSlotInUse(options: SlotOptions): Promise<void> {
  const { database, slot, signal } = options;
  const reading = 'SELECT FROM pg_catalog.pg_replication_slots WHERE slot_name = $1 AND active';
  for (let tries = 1; ; tries += 1) {
    await evictOtherReader(options);
    try {
      await dropSlot(options);
      return;
    } catch (error) {
      // Back between the two statements: he is ended again. Any other failure is the caller's.
      const isRead = (await database.query(reading, [slot], signal)).length > 0;
      if (!isRead || tries === MAX_EVICTIONS) throw error;
      await delay(EVICTION_PAUSE_MS, undefined, { signal });
    }
  }
}

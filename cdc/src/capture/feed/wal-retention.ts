import type { SourceDatabase } from '../postgres/source-database.ts';
import type { SlotWal, WalRetention } from './monolith-database.ts';

/** Asks which replication slots of the server keep how much WAL, and what the server allows them to keep. */
export async function readWalRetention(database: SourceDatabase, signal: AbortSignal): Promise<WalRetention> {
  // `inactive_since` is there from PostgreSQL 17 on: by to_jsonb an older server says null.
  const rows = await database.query(
    `SELECT pg_current_wal_lsn() AS lsn,
       (SELECT CASE WHEN setting::int8 >= 0 THEN setting::int8 * 1024 * 1024 END
        FROM pg_catalog.pg_settings WHERE name = 'max_slot_wal_keep_size') AS max_bytes,
       s.slot_name, s.database, s.slot_type, s.active, s.wal_status, s.safe_wal_size,
       pg_wal_lsn_diff(pg_current_wal_lsn(), s.restart_lsn)::int8 AS retained,
       extract(epoch FROM (to_jsonb(s) ->> 'inactive_since')::timestamptz) * 1000 AS inactive_since
     FROM (SELECT) AS one LEFT JOIN pg_catalog.pg_replication_slots s ON true
     ORDER BY s.slot_name`,
    [],
    signal,
  );
  const count = (text: string | null | undefined): number | null => (text == null ? null : Number(text));
  return {
    walLsn: rows[0]?.['lsn'] ?? '0/0',
    maxSlotWalKeepBytes: count(rows[0]?.['max_bytes']),
    slots: rows.flatMap((row): SlotWal[] => {
      const name = row['slot_name'];
      if (name == null) return [];
      return [
        {
          name,
          database: row['database'] ?? null,
          kind: row['slot_type'] === 'physical' ? 'physical' : 'logical',
          active: row['active'] === 't',
          walStatus: row['wal_status'] ?? null,
          retainedWalBytes: count(row['retained']),
          safeWalBytes: count(row['safe_wal_size']),
          inactiveSinceMs: count(row['inactive_since']),
        },
      ];
    }),
  };
}

import { quoteName, quoteTable } from '../../rows/table-name.ts';
import { PUBLICATION_OPTIONS } from '../feed/publication.ts';
import { dropSlotInUse } from '../feed/replication-slot.ts';
import { SIGNAL_TABLE } from '../feed/signal-table.ts';
import type { SourceDatabase } from '../postgres/source-database.ts';
import { ConnectError } from './connect-error.ts';
import type { FeedMarks } from './feed-connectors.ts';

/** PostgreSQL 17 has failover slots. */
const FAILOVER_VERSION = 170_000;

/** What the server has of a feed now. */
export interface FeedServer {
  readonly systemId: string;
  readonly timeline: string;
  /** Null without the publication. */
  readonly publicationId: string | null;
  readonly slot: {
    readonly exists: boolean;
    /** The server's process that feeds it; null while nobody reads it. */
    readonly activePid: string | null;
    /** Everything before it is on the bus. */
    readonly confirmedFlushLsn: string | null;
    /** Why it cannot be read any more, in PostgreSQL's word; null while it can. */
    readonly lostBecause: string | null;
    /** False when it was not made by `replaceSlot`. Before PostgreSQL 17 that cannot be told: true. */
    readonly isOurs: boolean;
  };
}

interface Names {
  readonly slot: string;
  readonly publication: string;
}

/**
 * Asks for all of it in one statement.
 *
 * Debezium makes a slot that it misses, silently, and goes on at the end of the WAL. So our slots bear a sign that
 * Debezium's do not: they are failover slots, which changes nothing where no standby takes slots over.
 */
export async function readFeedServer(
  database: SourceDatabase,
  { slot, publication }: Names,
  signal: AbortSignal,
): Promise<FeedServer> {
  const [row] = await database.query(
    `SELECT c.system_identifier, left(pg_walfile_name(pg_current_wal_lsn()), 8) AS timeline,
       (SELECT oid FROM pg_catalog.pg_publication WHERE pubname = $2) AS publication_id,
       s.slot_name, s.plugin, s.database, current_database() AS here, s.active_pid, s.confirmed_flush_lsn, s.wal_status,
       to_jsonb(s) ->> 'invalidation_reason' AS invalidated, to_jsonb(s) ->> 'failover' AS failover
     FROM pg_control_system() c LEFT JOIN pg_catalog.pg_replication_slots s ON s.slot_name = $1`,
    [slot, publication],
    signal,
  );
  const exists = row?.['slot_name'] != null;
  if (exists && (row['plugin'] !== 'pgoutput' || row['database'] !== row['here'])) {
    throw new ConnectError(
      'slot-foreign',
      `The replication slot "${slot}" is not ours: it is of plugin ${row['plugin'] ?? 'none'} and database ` +
        `${row['database'] ?? 'none'}. Choose another SLOT_NAME, or drop that slot if nobody needs it.`,
    );
  }
  const isLost = row?.['wal_status'] === 'lost' || row?.['invalidated'] != null;
  return {
    systemId: row?.['system_identifier'] ?? '',
    timeline: row?.['timeline'] ?? '',
    publicationId: row?.['publication_id'] ?? null,
    slot: {
      exists,
      activePid: row?.['active_pid'] ?? null,
      confirmedFlushLsn: row?.['confirmed_flush_lsn'] ?? null,
      lostBecause: isLost ? (row['invalidated'] ?? 'wal_removed') : null,
      isOurs: exists && row['failover'] !== 'false',
    },
  };
}

/** Why changes may be missing between what a connector has read and what it will read; null when none can. */
export function gapOf(marks: FeedMarks, server: FeedServer, names: Names): string | null {
  const { slot } = server;
  if (marks.systemId !== server.systemId) return 'the database is on another server now';
  if (marks.timeline !== server.timeline) {
    return `the server went over to timeline ${server.timeline}, from ${marks.timeline}`;
  }
  if (!slot.exists) return `the slot ${names.slot} was dropped`;
  if (slot.lostBecause !== null)
    return `the slot ${names.slot} has lost WAL that it needs: ${slot.lostBecause}`;
  if (!slot.isOurs) return `the slot ${names.slot} was dropped, and made again by somebody else`;
  if (server.publicationId === null) return `the publication ${names.publication} was dropped`;
  if (server.publicationId !== marks.publicationId) {
    return `the publication ${names.publication} was dropped and made again`;
  }
  return null;
}

/** Makes the publication where there is none, for the signal table alone. Idempotent. */
export async function ensurePublication(
  database: SourceDatabase,
  name: string,
  signal: AbortSignal,
): Promise<void> {
  const sql = 'SELECT FROM pg_catalog.pg_publication WHERE pubname = $1';
  if ((await database.query(sql, [name], signal)).length > 0) return;
  await database.query(
    `CREATE PUBLICATION ${quoteName(name)} FOR TABLE ${quoteTable(SIGNAL_TABLE)} WITH (${PUBLICATION_OPTIONS})`,
    [],
    signal,
  );
}

/** Makes the slot anew, with our sign. Waits for transactions that are open now. */
export async function replaceSlot(
  database: SourceDatabase,
  slot: string,
  signal: AbortSignal,
): Promise<void> {
  await dropSlotInUse({ database, slot, signal });
  const [version] = await database.query(`SELECT current_setting('server_version_num') AS n`, [], signal);
  const failover = Number(version?.['n']) >= FAILOVER_VERSION ? ', false, false, true' : '';
  await database.query(
    `SELECT pg_create_logical_replication_slot($1, 'pgoutput'${failover})`,
    [slot],
    signal,
  );
}

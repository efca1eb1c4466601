import type { SourcePosition } from '../bus/bus.ts';
import { parseLsn } from '../source/lsn.ts';
import { quoteName, quoteTable } from '../source/catalog.ts';
import { PUBLICATION_OPTIONS, PublicationError, readPublication } from '../source/publication.ts';
import type { SourceDatabase, TextRow } from '../source/source-database.ts';
import { SIGNAL_TABLE } from './feed-table.ts';
import { ReaderStoppedError } from './reader-error.ts';
import type { ServerIdentity } from './replication-stream.ts';

export interface PrepareOptions {
  readonly database: SourceDatabase;
  readonly slot: string;
  readonly publication: string;
  readonly server: ServerIdentity;
  /** Null before the first reader. */
  readonly stored: SourcePosition | null;
  readonly signal: AbortSignal;
}

const NEW_SNAPSHOT_HINT =
  'What happened in between cannot be had from it. To begin anew, stop the reader, drop the slot, use a new SLOT_NAME, ' +
  'and take new table snapshots.';

/**
 * Makes publication and slot when there is no stored position yet; otherwise checks that going on from it loses
 * nothing. @returns where to start. @throws ReaderStoppedError when it would.
 */
export async function prepareSource(options: PrepareOptions): Promise<bigint> {
  checkServer(options);
  await checkSignalTable(options);
  // The publication comes first: a slot decodes with the catalog of each moment, and before its creation a
  // publication does not exist there.
  await checkPublication(options);
  await ensurePublication(options);
  const slot = (await readSlot(options)) ?? (await createSlot(options));
  return checkSlot(slot, options);
}

/** Ends another reader's hold on the slot. Call it only after having taken over: that reader is fenced by then. */
export async function evictOtherReader(
  options: Pick<PrepareOptions, 'database' | 'slot' | 'signal'>,
): Promise<void> {
  await options.database.query(
    `SELECT pg_terminate_backend(active_pid) FROM pg_catalog.pg_replication_slots
     WHERE slot_name = $1 AND active_pid IS NOT NULL`,
    [options.slot],
    options.signal,
  );
}

function checkServer({ server, stored }: PrepareOptions): void {
  if (!stored) return;
  if (stored.systemId !== server.systemId || stored.timeline !== server.timeline) {
    throw new ReaderStoppedError(
      'source-changed',
      `The bus holds changes of server ${stored.systemId}, timeline ${stored.timeline}, but the source is ` +
        `server ${server.systemId}, timeline ${server.timeline} (restored, or failed over). ${NEW_SNAPSHOT_HINT}`,
    );
  }
  if (server.walLsn < stored.lsn) {
    throw new ReaderStoppedError(
      'source-rewound',
      `The bus holds changes up to ${stored.lsn}, but the source's WAL ends at ${server.walLsn}: ` +
        `it was restored to an earlier moment. ${NEW_SNAPSHOT_HINT}`,
    );
  }
}

async function checkSignalTable({ database, signal }: PrepareOptions): Promise<void> {
  const rows = await database.query('SELECT to_regclass($1) AS found', [SIGNAL_TABLE], signal);
  if (rows[0]?.['found'] == null) {
    throw new ReaderStoppedError(
      'signal-table-missing',
      `The table ${SIGNAL_TABLE} is missing in the source's database. Run the migrations of migrations/banyan there.`,
    );
  }
}

/** One that somebody has widened, say, is refused before anything is read through it. */
async function checkPublication({ database, publication, signal }: PrepareOptions): Promise<void> {
  try {
    await database.onConnection((ask) => readPublication(publication, ask), signal);
  } catch (error) {
    if (!(error instanceof PublicationError)) throw error;
    throw new ReaderStoppedError(error.code, error.message, { cause: error });
  }
}

async function ensurePublication({ database, publication, stored, signal }: PrepareOptions): Promise<void> {
  const found = await database.query(
    `SELECT EXISTS (SELECT FROM pg_catalog.pg_publication_tables t
       WHERE t.pubname = p.pubname AND t.schemaname || '.' || t.tablename = $2) AS complete
     FROM pg_catalog.pg_publication p WHERE pubname = $1`,
    [publication, SIGNAL_TABLE],
    signal,
  );
  if (!found[0]) {
    if (stored) {
      throw new ReaderStoppedError(
        'publication-missing',
        `The publication "${publication}" is gone, though changes were read through it. ${NEW_SNAPSHOT_HINT}`,
      );
    }
    const sql =
      `CREATE PUBLICATION ${quoteName(publication)} FOR TABLE ${quoteTable(SIGNAL_TABLE)} ` +
      `WITH (${PUBLICATION_OPTIONS})`;
    await database.query(sql, [], signal);
  } else if (found[0]['complete'] !== 't') {
    const sql = `ALTER PUBLICATION ${quoteName(publication)} ADD TABLE ${quoteTable(SIGNAL_TABLE)}`;
    await database.query(sql, [], signal);
  }
}

async function readSlot({ database, slot, signal }: PrepareOptions): Promise<TextRow | null> {
  const rows = await database.query(
    `SELECT plugin, database, current_database() AS ours, wal_status, confirmed_flush_lsn
     FROM pg_catalog.pg_replication_slots WHERE slot_name = $1`,
    [slot],
    signal,
  );
  return rows[0] ?? null;
}

async function createSlot(options: PrepareOptions): Promise<TextRow> {
  const { database, slot, stored, signal } = options;
  if (stored) {
    throw new ReaderStoppedError(
      'slot-missing',
      `The replication slot "${slot}" is gone, though changes were read through it. ${NEW_SNAPSHOT_HINT}`,
    );
  }
  // Waits for transactions that are open now; the caller tries again when that takes too long.
  await database.query(`SELECT pg_create_logical_replication_slot($1, 'pgoutput')`, [slot], signal);
  const made = await readSlot(options);
  if (!made) throw new Error(`The slot "${slot}" was made and is gone already.`);
  return made;
}

function checkSlot(row: TextRow, { slot, stored }: PrepareOptions): bigint {
  if (row['plugin'] !== 'pgoutput' || row['database'] !== row['ours']) {
    throw new ReaderStoppedError(
      'slot-foreign',
      `The replication slot "${slot}" is of plugin ${row['plugin'] ?? 'none'} and database ${row['database'] ?? 'none'}: ` +
        'it is not ours. Choose another SLOT_NAME.',
    );
  }
  if (row['wal_status'] === 'lost') {
    throw new ReaderStoppedError(
      'slot-lost',
      `The server has dropped WAL that the slot "${slot}" needed (max_slot_wal_keep_size). ${NEW_SNAPSHOT_HINT}`,
    );
  }
  const confirmed = parseLsn(row['confirmed_flush_lsn'] ?? '0/0');
  if (stored && confirmed > stored.lsn) {
    throw new ReaderStoppedError(
      'slot-ahead',
      `The slot "${slot}" has confirmed ${confirmed}, but the bus holds changes up to ${stored.lsn} only: the bus is ` +
        `an older copy, or somebody else has read the slot. ${NEW_SNAPSHOT_HINT}`,
    );
  }
  return stored?.lsn ?? confirmed;
}

import type { SourceLog, SourcePosition } from '../../bus/bus.ts';
import { quoteName, quoteTable } from '../../rows/table-name.ts';
import { FEED_COLUMN_TABLE } from '../feed/feed-columns.ts';
import { formatLsn, parseLsn } from '../../rows/lsn.ts';
import {
  PUBLICATION_OPTIONS,
  PublicationError,
  readPublication,
  type Publication,
} from '../feed/publication.ts';
import type { SourceDatabase } from '../postgres/source-database.ts';
import { SIGNAL_TABLE } from '../wal/feed-table.ts';
import { createSlot, dropSlot, readSlot, type Slot } from '../feed/replication-slot.ts';
import { ReaderStoppedError } from '../feed/reader-error.ts';
import type { ServerIdentity } from '../wal/replication-stream.ts';

export interface PrepareOptions {
  readonly log: Pick<SourceLog, 'sourcePosition'>;
  readonly database: SourceDatabase;
  readonly slot: string;
  readonly publication: string;
  readonly server: ServerIdentity;
  /** Null before the first reader. */
  readonly stored: SourcePosition | null;
  readonly signal: AbortSignal;
}

/** What the server has of the feed. */
export type SourceState =
  /** Nothing was stored yet; what was missing is made. Reading starts at `lsn`. */
  | { readonly kind: 'new'; readonly lsn: bigint; readonly publicationId: string }
  /** Going on from the stored position loses nothing, if what was stored since `confirmedLsn` comes again. */
  | { readonly kind: 'same'; readonly confirmedLsn: bigint; readonly publicationId: string }
  /** Going on would lose something, or may: the feed has to begin anew. `reason` is for people. */
  | { readonly kind: 'broken'; readonly reason: string };

/**
 * Looks whether reading can go on from the stored position. Before the first position it makes publication and slot.
 *
 * @throws ReaderStoppedError for what only a person can mend, Error for what time does.
 */
export async function inspectSource(options: PrepareOptions): Promise<SourceState> {
  const walEnd = await checkServer(options);
  await checkSignalTable(options);
  const { stored, server } = options;
  const slot = await readSlot(options);
  if (!stored) {
    // The publication comes first: a slot decodes with the catalog of each moment, and before its creation a
    // publication does not exist there.
    const publicationId = await ensurePublication(options);
    // One of an earlier bus that cannot be read any more would stand in the way for ever.
    if (slot?.lostBecause != null) await dropSlot(options);
    const usable = slot?.lostBecause === null ? slot : await createSlot(options);
    return { kind: 'new', lsn: usable.confirmedLsn, publicationId };
  }
  const publication = await readFeedPublication(options);
  // A reader that runs still stores before it confirms: by now at least as much is stored as the slot had confirmed.
  const storedNow = (await options.log.sourcePosition(options.slot)) ?? stored;
  const reason =
    stored.anewReason ??
    otherServer(stored, { ...server, walLsn: walEnd > server.walLsn ? walEnd : server.walLsn }) ??
    brokenPublication(options.publication, stored, publication) ??
    brokenSlot(options.slot, storedNow, slot);
  if (reason !== null || !publication || !slot)
    return { kind: 'broken', reason: reason ?? 'parts are missing' };
  return { kind: 'same', confirmedLsn: slot.confirmedLsn, publicationId: publication.id };
}

/**
 * @returns where the server's log ends. It is asked after the stored position was read: a reader that runs still may have
 * stored more since the stream asked who the server is.
 */
async function checkServer({ database, signal }: PrepareOptions): Promise<bigint> {
  const rows = await database.query(
    `SELECT pg_is_in_recovery() AS standby, current_setting('wal_level') AS wal_level,
       CASE WHEN NOT pg_is_in_recovery() THEN pg_current_wal_flush_lsn() END AS wal_end`,
    [],
    signal,
  );
  if (rows[0]?.['standby'] === 't') {
    throw new Error(
      'The server at SOURCE_URL is a standby in recovery. Waiting until it, or another there, takes writes.',
    );
  }
  const walLevel = rows[0]?.['wal_level'];
  if (walLevel !== 'logical') {
    throw new ReaderStoppedError(
      'wal-level-wrong',
      `The server writes too little into its log: wal_level is ${walLevel ?? 'unknown'}, wanted logical. ` +
        'As a superuser: ALTER SYSTEM SET wal_level = logical; then restart PostgreSQL and the reader.',
    );
  }
  return parseLsn(rows[0]?.['wal_end'] ?? '0/0');
}

async function checkSignalTable({ database, signal }: PrepareOptions): Promise<void> {
  const missing = await database.query(
    'SELECT name FROM unnest($1::text[]) AS name WHERE to_regclass(name) IS NULL',
    [[SIGNAL_TABLE, FEED_COLUMN_TABLE]],
    signal,
  );
  if (missing.length > 0) {
    throw new ReaderStoppedError(
      'signal-table-missing',
      `The table ${missing.map(({ name }) => name).join(', ')} is missing in the source's database, so nothing can be asked ` +
        'of the reader. Run the migrations of migrations/banyan there, then start the reader again.',
    );
  }
}

function otherServer(stored: SourcePosition, server: ServerIdentity): string | null {
  const { systemId, timeline, lsn } = stored;
  if (systemId !== server.systemId) {
    return `another server answers: system identifier ${server.systemId} instead of ${systemId}`;
  }
  if (timeline !== server.timeline) {
    return `the server is on timeline ${server.timeline} instead of ${timeline}: it was restored, or a standby was promoted`;
  }
  if (server.walLsn < lsn) {
    return (
      `the server was restored to an earlier moment: its log ends at ${formatLsn(server.walLsn)}, ` +
      `changes up to ${formatLsn(lsn)} were read from it`
    );
  }
  return null;
}

function brokenPublication(name: string, stored: SourcePosition, found: Publication | null): string | null {
  if (!found) return `the publication ${name} was dropped`;
  if (stored.publicationId !== null && stored.publicationId !== found.id) {
    return `the publication ${name} was dropped and made again`;
  }
  return hasSignalTable(found) ? null : `${SIGNAL_TABLE} was taken out of the publication ${name}`;
}

function brokenSlot(name: string, stored: SourcePosition, slot: Slot | null): string | null {
  if (!slot) return `the replication slot ${name} was dropped`;
  if (slot.lostBecause !== null) {
    return `the server has dropped log that the replication slot ${name} needed (${slot.lostBecause})`;
  }
  if (slot.confirmedLsn > stored.lsn) {
    return (
      `the replication slot ${name} has confirmed ${formatLsn(slot.confirmedLsn)}, but only changes up to ` +
      `${formatLsn(stored.lsn)} are stored: the bus is an older copy, or somebody else has read or made the slot`
    );
  }
  return null;
}

/**
 * Null without a publication of this name.
 *
 * @throws ReaderStoppedError for one that publishes more, or less, than what was put into it.
 */
export async function readFeedPublication({
  database,
  publication,
  signal,
}: Pick<PrepareOptions, 'database' | 'publication' | 'signal'>): Promise<Publication | null> {
  try {
    return await database.onConnection((ask) => readPublication(publication, ask), signal);
  } catch (error) {
    if (!(error instanceof PublicationError)) throw error;
    throw new ReaderStoppedError(error.code, error.message, { cause: error });
  }
}

/** True when the reader can be asked for things through this publication. */
export function hasSignalTable({ tables }: Publication): boolean {
  return tables.some(({ schema, table }) => `${schema}.${table}` === SIGNAL_TABLE);
}

/** Makes the publication with the signal table where it is missing. @returns its id. */
export async function ensurePublication(
  options: Pick<PrepareOptions, 'database' | 'publication' | 'signal'>,
): Promise<string> {
  const { database, publication, signal } = options;
  const found = await readFeedPublication(options);
  if (found && hasSignalTable(found)) return found.id;
  const name = quoteName(publication);
  const table = quoteTable(SIGNAL_TABLE);
  await database.query(
    found
      ? `ALTER PUBLICATION ${name} ADD TABLE ${table}`
      : `CREATE PUBLICATION ${name} FOR TABLE ${table} WITH (${PUBLICATION_OPTIONS})`,
    [],
    signal,
  );
  return found?.id ?? (await ensurePublication(options));
}

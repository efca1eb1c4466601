import { SourceFencedError, type BusRecord, type SourceLog, type SourcePosition } from '../../bus/bus.ts';
import type { SourceDatabase } from '../postgres/source-database.ts';
import { ensurePublication } from './prepare-source.ts';
import { createSlot, dropSlotInUse } from '../feed/replication-slot.ts';
import type { ServerIdentity } from '../wal/replication-stream.ts';

export interface BeginAnewOptions {
  readonly log: SourceLog;
  readonly database: SourceDatabase;
  readonly slot: string;
  readonly publication: string;
  readonly server: ServerIdentity;
  /** The position as it is since the new beginning was announced. */
  readonly announced: SourcePosition;
  /** Tells of the table snapshots that are given up. */
  readonly abortions: () => Promise<readonly BusRecord[]>;
  readonly signal: AbortSignal;
}

/**
 * Begins the feed anew, as a new incarnation, after a break that may have lost changes.
 *
 * The order is the correctness. A kill after any step leaves the announcement on the bus, and the next reader makes all
 * steps again:
 * 1. Announce (the caller, by `takeOver`): an older reader can store nothing from here on, no wait for a caught-up copy
 *    succeeds, and no break is forgotten, should the server's log grow past the stored position meanwhile.
 * 2. Drop the old slot; it is of no use any more, and holds back WAL.
 * 3. Give up table snapshots that were under way.
 * 4. Make the publication where it is missing, before the slot: a slot knows only what was there before it.
 * 5. Make the slot.
 * 6. Begin: only now the new incarnation is seen, so that whatever is asked of it (a table snapshot) comes after its slot.
 */
export async function beginAnew(options: BeginAnewOptions): Promise<SourcePosition> {
  const { log, announced, server, slot: source, signal } = options;
  const { epoch, lsn, open, anewReason } = announced;
  // 2. One that slept since must not drop what another reader has made meanwhile. (Should it fall asleep right here, that
  // one finds its slot gone, and begins anew once more.)
  if ((await log.sourcePosition(source))?.epoch !== epoch) {
    throw new SourceFencedError(`Another reader has taken over the source "${source}". This one stops.`);
  }
  await dropSlotInUse(options);
  // 3.
  const records = await options.abortions();
  const move = { source, epoch, expectedLsn: lsn, expectedOpen: open, lsn, open };
  if (records.length > 0) await log.appendAt(records, move, signal);
  // 4.
  const publicationId = await ensurePublication(options);
  // 5.
  const { confirmedLsn } = await createSlot(options);
  // 6.
  const { systemId, timeline } = server;
  return await log.takeOver(source, {
    systemId,
    timeline,
    lsn: confirmedLsn,
    publicationId,
    anew: { step: 'begin', epoch, reason: anewReason ?? 'unknown' },
  });
}

import type { Knex } from 'knex';
import { formatLsn } from '../source/lsn.ts';
import type { RunSql } from '../sqlite/transaction.ts';
import { SourceFencedError, type SourceMove, type SourcePosition, type SourceStart } from './bus.ts';
import { openText, parseOpen, parseWitness, storedLsn, takenOver, witnessText } from './source-position.ts';

interface SourcePositionRow {
  readonly source: string;
  readonly epoch: number;
  readonly lsn: string;
  readonly system_id: string;
  readonly timeline: number;
  readonly heard_at_ms: number;
  readonly open_transaction: string | null;
  readonly witness: string | null;
  readonly publication_id: string | null;
  readonly incarnation: number;
  readonly incarnation_reason: string;
  readonly incarnation_at_ms: number | null;
  readonly anew_reason: string | null;
}

/** Moves a source's position by compare-and-set, within the caller's transaction. @throws SourceFencedError */
export async function moveSource(run: RunSql, move: SourceMove): Promise<void> {
  const { source, epoch, expectedLsn, expectedOpen = null, lsn, open = null, witness } = move;
  const moved = await run(
    `UPDATE source_position SET lsn = ?, open_transaction = ?, witness = iif(?, ?, witness), heard_at_ms = ?
     WHERE source = ? AND epoch = ? AND lsn = ? AND open_transaction IS ? RETURNING source`,
    [
      ...[storedLsn(lsn), openText(open)],
      ...[witness === undefined ? 0 : 1, witnessText(witness ?? null), Date.now()],
      ...[source, epoch, storedLsn(expectedLsn), openText(expectedOpen)],
    ],
  );
  if (moved.length > 0) return;
  throw new SourceFencedError(
    `Source "${source}" is no longer at epoch ${epoch} and LSN ${formatLsn(expectedLsn)}: ` +
      'another reader has taken over. Stop this one.',
  );
}

/** See `SourceLog#takeOver`; within the caller's transaction. @throws SourceFencedError */
export async function takeSourceOver(
  run: RunSql,
  source: string,
  start: SourceStart,
): Promise<SourcePosition> {
  const rows = await run<SourcePositionRow>('SELECT * FROM source_position WHERE source = ?', [source]);
  const before = rows[0] ? toSourcePosition(rows[0]) : null;
  if (start.anew?.step === 'begin' && before?.epoch !== start.anew.epoch) {
    throw new SourceFencedError(`Another reader has taken over the source "${source}". Stop this one.`);
  }
  const position = takenOver(source, { before, start, nowMs: Date.now() });
  await run(
    `INSERT OR REPLACE INTO source_position (source, epoch, lsn, system_id, timeline, heard_at_ms,
       open_transaction, witness, publication_id, incarnation, incarnation_reason, incarnation_at_ms, anew_reason)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    toValues(position),
  );
  return position;
}

/** Null before the first reader. */
export async function readSource(reader: Knex, source: string): Promise<SourcePosition | null> {
  const rows = await reader.raw<SourcePositionRow[]>('SELECT * FROM source_position WHERE source = ?', [
    source,
  ]);
  return rows[0] ? toSourcePosition(rows[0]) : null;
}

function toSourcePosition(row: SourcePositionRow): SourcePosition {
  return {
    source: row.source,
    epoch: row.epoch,
    lsn: BigInt(row.lsn),
    open: parseOpen(row.open_transaction),
    witness: parseWitness(row.witness),
    systemId: row.system_id,
    timeline: row.timeline,
    publicationId: row.publication_id,
    heardAtMs: row.heard_at_ms,
    incarnation: row.incarnation,
    incarnationReason: row.incarnation_reason,
    incarnationAtMs: row.incarnation_at_ms,
    anewReason: row.anew_reason,
  };
}

/** In the order of the columns that `takeOver` names. */
function toValues(position: SourcePosition): (string | number | null)[] {
  const { source, epoch, lsn, systemId, timeline, heardAtMs, open, witness, publicationId } = position;
  const { incarnation, incarnationReason, incarnationAtMs, anewReason } = position;
  return [
    ...[source, epoch, storedLsn(lsn), systemId, timeline, heardAtMs],
    ...[openText(open), witnessText(witness), publicationId],
    ...[incarnation, incarnationReason, incarnationAtMs, anewReason],
  ];
}

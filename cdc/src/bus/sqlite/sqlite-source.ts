import type { Knex } from 'knex';
import { formatLsn } from '../../rows/lsn.ts';
import type { RunSql } from '@banyan/kit/sqlite';
import { SourceFencedError, type SourceMove, type SourcePosition, type SourceStart } from '../bus.ts';
import {
  SOURCE_POSITION_COLUMNS,
  toSourcePosition,
  toValues,
  type SourcePositionRow,
} from './source-position-row.ts';
import { openText, storedLsn, takenOver, witnessText } from '../source-position.ts';

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
    `INSERT OR REPLACE INTO source_position (${SOURCE_POSITION_COLUMNS.join(', ')})
     VALUES (${SOURCE_POSITION_COLUMNS.map(() => '?').join(', ')})`,
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

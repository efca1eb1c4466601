import type { SourcePosition } from '../bus.ts';
import { openText, parseOpen, parseWitness, storedLsn, witnessText } from '../source-position.ts';

/** A row of `source_position`. */
export interface SourcePositionRow {
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

/** Columns of `source_position`, in the order of `toValues`. */
export const SOURCE_POSITION_COLUMNS = [
  ...['source', 'epoch', 'lsn', 'system_id', 'timeline', 'heard_at_ms'],
  ...['open_transaction', 'witness', 'publication_id'],
  ...['incarnation', 'incarnation_reason', 'incarnation_at_ms', 'anew_reason'],
] as const;

/** @throws SyntaxError on a row that `toValues` did not make. */
export function toSourcePosition(row: SourcePositionRow): SourcePosition {
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

/** A position's values in the order of `SOURCE_POSITION_COLUMNS`. */
export function toValues(position: SourcePosition): (string | number | null)[] {
  const { source, epoch, lsn, systemId, timeline, heardAtMs, open, witness, publicationId } = position;
  const { incarnation, incarnationReason, incarnationAtMs, anewReason } = position;
  return [
    ...[source, epoch, storedLsn(lsn), systemId, timeline, heardAtMs],
    ...[openText(open), witnessText(witness), publicationId],
    ...[incarnation, incarnationReason, incarnationAtMs, anewReason],
  ];
}

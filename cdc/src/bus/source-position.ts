import type { OpenTransaction, SourcePosition, SourceStart, Witness } from './bus.ts';

/** Why the first incarnation of a feed began. */
export const FIRST_INCARNATION_REASON = 'the feed was begun';

/**
 * The position after a reader has taken over.
 *
 * @param before Null before the first reader.
 */
export function takenOver(
  source: string,
  options: { readonly before: SourcePosition | null; readonly start: SourceStart; readonly nowMs: number },
): SourcePosition {
  const { before, start, nowMs } = options;
  const { anew, systemId, timeline, lsn, publicationId = null } = start;
  const began = { systemId, timeline, lsn, publicationId, open: null, witness: null, anewReason: null };
  if (!before) {
    const incarnation = {
      incarnation: 1,
      incarnationReason: FIRST_INCARNATION_REASON,
      incarnationAtMs: nowMs,
    };
    return { source, epoch: 1, heardAtMs: nowMs, ...began, ...incarnation };
  }
  const next = { ...before, epoch: before.epoch + 1, heardAtMs: nowMs };
  if (anew?.step === 'begin') {
    const { reason } = anew;
    const incarnation = before.incarnation + 1;
    return { ...next, ...began, incarnation, incarnationReason: reason, incarnationAtMs: nowMs };
  }
  if (anew?.step === 'announce') return { ...next, anewReason: anew.reason };
  if (before.systemId !== systemId || before.timeline !== timeline) {
    throw new Error(
      `The position of "${source}" belongs to server ${before.systemId}, timeline ${before.timeline}; ` +
        `on server ${systemId}, timeline ${timeline} the feed has to begin anew.`,
    );
  }
  return { ...next, publicationId: publicationId ?? before.publicationId };
}

/** An LSN as the bus keeps it: decimal text, since SQLite's driver reads integers as doubles. */
export function storedLsn(lsn: bigint): string {
  return lsn.toString();
}

/** Null stays null. The same transaction gives the same text, so that texts can be compared. */
export function openText(open: OpenTransaction | null): string | null {
  if (!open) return null;
  const { finalLsn, identity, changeLsn, changesAtLsn } = open;
  return JSON.stringify([storedLsn(finalLsn), identity, storedLsn(changeLsn), changesAtLsn]);
}

/** @throws SyntaxError on a text that `openText` did not write. */
export function parseOpen(text: string | null): OpenTransaction | null {
  if (text === null) return null;
  const [finalLsn, identity, changeLsn, changesAtLsn] = JSON.parse(text) as [string, string, string, number];
  return { finalLsn: BigInt(finalLsn), identity, changeLsn: BigInt(changeLsn), changesAtLsn };
}

/** Null stays null. */
export function witnessText(witness: Witness | null): string | null {
  return witness && JSON.stringify([storedLsn(witness.lsn), witness.identity]);
}

/** @throws SyntaxError on a text that `witnessText` did not write. */
export function parseWitness(text: string | null): Witness | null {
  if (text === null) return null;
  const [lsn, identity] = JSON.parse(text) as [string, string];
  return { lsn: BigInt(lsn), identity };
}

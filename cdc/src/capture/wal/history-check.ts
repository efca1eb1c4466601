import type { SourcePosition } from '../../bus/bus.ts';
import { formatLsn } from '../../rows/lsn.ts';

/** The server's log is not the one that was read before: going on in it would lose something. */
export class HistoryChangedError extends Error {
  readonly code = 'history-changed';
  override readonly name = 'HistoryChangedError';
}

/**
 * Recognises a server that was restored to an earlier moment and written to since, on the same timeline: its log has
 * passed the stored position, with other content.
 *
 * A reader whose slot has confirmed less than is stored asks for everything since the confirmed position again. The last
 * step that was stored (the witness) must come again, at the same LSN and with the same identity, before anything that
 * is new. A slot that has confirmed all that is stored proves the same by itself: the server knew it.
 */
export class HistoryCheck {
  readonly #stored: Pick<SourcePosition, 'lsn' | 'open' | 'witness'>;
  #awaitsWitness: boolean;
  #awaitsOpen: boolean;

  /** @param sentFrom Where the server was asked to begin. */
  constructor(stored: Pick<SourcePosition, 'lsn' | 'open' | 'witness'>, sentFrom: bigint) {
    this.#stored = stored;
    this.#awaitsWitness = stored.witness !== null && sentFrom < stored.witness.lsn;
    this.#awaitsOpen = stored.open !== null;
  }

  /** True while it is not proven yet that the server's log is the one that was read before. */
  get isWaiting(): boolean {
    return this.#awaitsWitness;
  }

  /** A transaction begins whose commit record is at `finalLsn`. @throws HistoryChangedError */
  begin(finalLsn: bigint, identity: string): void {
    const { lsn, open } = this.#stored;
    if (finalLsn < lsn) return; // judged at its end, which may be the witness
    this.#passStored(finalLsn);
    if (!open || !this.#awaitsOpen) return;
    if (finalLsn < open.finalLsn || (finalLsn === open.finalLsn && identity !== open.identity)) {
      throw changed(`a transaction commits at ${formatLsn(finalLsn)} that was not there`);
    }
    if (finalLsn > open.finalLsn) {
      throw changed(
        `the transaction that committed at ${formatLsn(open.finalLsn)}, a part of it stored, is gone`,
      );
    }
    this.#awaitsOpen = false;
  }

  /**
   * A step ends at `lsn`. One with neither identity nor a claim that all before was sent proves nothing.
   *
   * @param identity Null for a step that cannot be told from others.
   * @throws HistoryChangedError
   */
  pass(lsn: bigint, identity: string | null, isComplete: boolean): void {
    const { witness, lsn: storedLsn } = this.#stored;
    if (!witness) return;
    if (identity !== null && lsn <= storedLsn && lsn >= witness.lsn) {
      if (lsn > witness.lsn || identity !== witness.identity) {
        throw changed(`at ${formatLsn(lsn)} there is something that was not there`);
      }
      this.#awaitsWitness = false;
    }
    if (lsn > storedLsn && (identity !== null || isComplete)) this.#passStored(lsn);
  }

  #passStored(lsn: bigint): void {
    if (!this.#awaitsWitness) return;
    const at = formatLsn(this.#stored.witness?.lsn ?? 0n);
    throw changed(
      `what was stored of ${at} did not come again, though the server has sent up to ${formatLsn(lsn)}`,
    );
  }
}

function changed(evidence: string): HistoryChangedError {
  return new HistoryChangedError(
    `The server's log is another than the one that was read: ${evidence}. It was restored to an earlier moment.`,
  );
}

import { ControlError } from '../control-error.ts';
import type { SliceState, Verification } from '../slices/domain/slice-state.ts';
import { repairBegun, verified } from '../slices/domain/sync-steps.ts';
import { verification as verificationGate } from '../gates/domain/gates.ts';
import { EpochConflictError } from '../slices/store/slice-store.ts';
import type { StoredVerification } from './verification-store.ts';
import type { EvidenceCollector } from '../gates/evidence-collector.ts';
import type { ManagedSlice } from '../slices/managed-slice.ts';
import { isOfCopy } from './mapping-fingerprint.ts';
import type { SliceLedger } from '../slices/ledger/slice-ledger.ts';
import type { LedgerStep } from '../slices/ledger/unwritten-steps.ts';

const COMMIT_ATTEMPTS = 10;

/** Who asked for a verification, for the journal. */
export interface AskedBy {
  readonly by: string;
  readonly reason: string | null;
  /** Repairs what differs. */
  readonly repair: boolean;
}

/** There is nothing to verify, or what was verified is gone. */
export class NoCompleteCopyError extends ControlError<'not-possible'> {
  constructor(message: string) {
    super('refused', 'not-possible', message, { nextSteps: ['banyan status'] });
  }
}

/** A verification that only looks is running, and cannot become one that repairs. */
export class VerificationRunningError extends ControlError<'not-possible'> {
  constructor(message: string) {
    super('refused', 'not-possible', message, { nextSteps: ['banyan status'] });
  }
}

export function givenUp(slice: string): NoCompleteCopyError {
  return new NoCompleteCopyError(`The copy of slice "${slice}" was given up meanwhile.`);
}

/** Writes verifications into the journal. They belong to a copy, not to an epoch: steps made meanwhile do not matter. */
export class VerificationJournal {
  readonly #ledger: SliceLedger;
  readonly #evidence: EvidenceCollector;

  constructor(deps: { readonly ledger: SliceLedger; readonly evidence: EvidenceCollector }) {
    this.#ledger = deps.ledger;
    this.#evidence = deps.evidence;
  }

  /** Before anything is changed, so that the journal explains it even if nobody lives to see the end. */
  async repairBegun(slice: ManagedSlice, snapshotId: string, { by, reason }: AskedBy): Promise<void> {
    await this.#commit(slice, (from) => {
      const next = repairBegun(from, snapshotId);
      return next && { from, next, by, reason, verb: 'repair', evidence: [] };
    });
  }

  /** The result, whatever it is. @returns the journal entry's id. @throws NoCompleteCopyError */
  finished(
    slice: ManagedSlice,
    stored: StoredVerification,
    result: { readonly asked: AskedBy; readonly verification: Verification },
  ): Promise<number> {
    const { asked, verification } = result;
    const { snapshot, progress } = stored;
    const repaired = progress?.tables.reduce((sum, table) => sum + table.repaired, 0) ?? 0;
    const reason = asked.repair ? `${asked.reason ?? 'repair'} (${repaired} rows repaired)` : asked.reason;
    return this.#commit(slice, (from) => {
      const next = isOfCopy(from, slice, stored) ? verified(from, snapshot, verification) : null;
      if (!next) return null;
      const gate = verificationGate(this.#evidence.evidence(slice, next, []));
      return { from, next, by: asked.by, reason, verb: 'verify', evidence: [gate] };
    });
  }

  async #commit(slice: ManagedSlice, stepOf: (from: SliceState) => LedgerStep | null): Promise<number> {
    for (let attempt = 1; ; attempt += 1) {
      const step = stepOf(await this.#ledger.read(slice.name));
      if (!step) throw givenUp(slice.name);
      try {
        return await this.#ledger.commit(step);
      } catch (error) {
        if (!(error instanceof EpochConflictError) || attempt === COMMIT_ATTEMPTS) throw error;
      }
    }
  }
}

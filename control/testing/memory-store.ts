import type { JournalEntry } from '@banyan/contracts';
import type { SliceState } from '../src/slices/domain/slice-state.ts';
import { EpochConflictError, type SliceStore } from '../src/slices/store/slice-store.ts';
import type { StoredVerification, VerificationStore } from '../src/verification/verification-store.ts';

/** A store that forgets. Give the same one to two control planes, or to one after a restart. */
export function createMemoryStore(): SliceStore & { readonly verifications: VerificationStore } {
  const slices = new Map<string, SliceState>();
  const journal: JournalEntry[] = [];
  let version = 0;
  return {
    verifications: createMemoryVerifications(),
    async open(initial, _atMs, atLeastVersion = 0) {
      for (const state of initial) if (!slices.has(state.name)) slices.set(state.name, state);
      version = Math.max(version + 1, atLeastVersion);
      return Promise.resolve();
    },
    read() {
      const byName = (a: SliceState, b: SliceState): number => (a.name < b.name ? -1 : 1);
      return Promise.resolve({ version, slices: [...slices.values()].sort(byName) });
    },
    commit({ expectedEpoch, next, entry, atMs, atLeastVersion = 0 }) {
      if (slices.get(next.name)?.epoch !== expectedEpoch) {
        return Promise.reject(new EpochConflictError(next.name, expectedEpoch));
      }
      slices.set(next.name, next);
      version = Math.max(version + 1, atLeastVersion);
      const id = journal.length + 1;
      const { evidence, ...rest } = entry;
      journal.push({ id, atMs, slice: next.name, epoch: next.epoch, ...rest, evidence: [...evidence] });
      return Promise.resolve(id);
    },
    journal({ slice, afterId, limit }) {
      const wanted = journal.filter((entry) => slice === undefined || entry.slice === slice);
      return Promise.resolve(
        afterId === undefined
          ? wanted.slice(-limit)
          : wanted.filter(({ id }) => id > afterId).slice(0, limit),
      );
    },
    close: () => Promise.resolve(),
  };
}

function createMemoryVerifications(): VerificationStore {
  const kept = new Map<string, StoredVerification>();
  return {
    read: (slice) => Promise.resolve(kept.get(slice) ?? null),
    begin(verification) {
      kept.set(verification.slice, verification);
      return Promise.resolve();
    },
    save(verification) {
      const isOurs = kept.get(verification.slice)?.run === verification.run;
      if (isOurs) kept.set(verification.slice, verification);
      return Promise.resolve(isOurs);
    },
  };
}

import { completeCopyOf, type CatalogMark, type SliceState } from './slice-state.ts';

/**
 * Rows of the copy may be wrong, since the source's columns no longer mean what they meant: no verification of before
 * counts, and reads go to the monolith until one has found no difference and somebody steps forward again. The copy
 * streams on. Null without a complete copy, which is yet to be verified anyway.
 */
export function suspected(state: SliceState, catalog: CatalogMark): SliceState | null {
  const copy = completeCopyOf(state);
  if (!copy) return null;
  const { name, epoch, salt, paused } = state;
  return {
    name,
    epoch: epoch + 1,
    salt,
    paused,
    phase: 'syncing',
    // Over every cohort, pin and header.
    rolledBack: state.rolledBack || state.phase === 'canary',
    copy: { ...copy, feed: { ...copy.feed, catalog }, verification: null },
  };
}

import { completeCopyOf, type FeedMark, type SliceState, type Verification } from './slice-state.ts';

/** The table snapshot was asked for, of this feed. Null when the slice is no longer at that point. */
export function snapshotRequested(state: SliceState, snapshotId: string, feed: FeedMark): SliceState | null {
  if (state.phase !== 'syncing' || state.copy.step !== 'starting') return null;
  const { startedAtMs } = state.copy;
  return { ...state, epoch: state.epoch + 1, copy: { step: 'copying', startedAtMs, snapshotId, feed } };
}

/** The table snapshot is complete and the service has caught up after it. */
export function copyCompleted(state: SliceState, copiedAtMs: number): SliceState | null {
  if (state.phase !== 'syncing' || state.copy.step !== 'copying') return null;
  return {
    ...state,
    epoch: state.epoch + 1,
    copy: { ...state.copy, step: 'complete', copiedAtMs, verification: null },
  };
}

/** A verification of this very copy has ended. */
export function verified(
  state: SliceState,
  snapshotId: string,
  verification: Verification,
): SliceState | null {
  const complete = completeCopyOf(state);
  if (state.phase === 'monolith' || complete?.snapshotId !== snapshotId) return null;
  const epoch = state.epoch + 1;
  const copy = { ...complete, verification };
  return state.phase === 'canary' ? { ...state, epoch, copy } : { ...state, epoch, copy };
}

/** A repair of this very copy begins: nothing changes but the epoch, so that the journal can hold it. */
export function repairBegun(state: SliceState, snapshotId: string): SliceState | null {
  return completeCopyOf(state)?.snapshotId === snapshotId ? { ...state, epoch: state.epoch + 1 } : null;
}

/** The tables of a slice that went back to the monolith are out of the feed. */
export function feedDetached(state: SliceState): SliceState | null {
  if (state.phase !== 'monolith' || state.feed === 'detached') return null;
  return { ...state, epoch: state.epoch + 1, feed: 'detached' };
}

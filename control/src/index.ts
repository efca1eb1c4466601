export { openSqliteStore } from './adapters/sqlite-store.ts';
export { createControl } from './control.ts';
export type { Control, ControlDeps } from './control.ts';
export type { Clock } from './ports/clock.ts';
export type { CaughtUp, ControlBus, TableSnapshots, Verify, VerifyState } from './ports/feed.ts';
export { EpochConflictError } from './ports/slice-store.ts';
export type { SliceStore, Step, StoredSlices } from './ports/slice-store.ts';
export type { StoredVerification, VerificationStore } from './ports/verification-store.ts';

export { openSqliteStore } from './slices/store/sqlite-store.ts';
export { createControl } from './create-control.ts';
export type { Control, ControlDeps } from './create-control.ts';
export type { Clock } from './clock.ts';
export type { CaughtUp, ControlBus, TableSnapshots, Verify, VerifyState } from './feed/ports.ts';
export { EpochConflictError } from './slices/store/slice-store.ts';
export type { SliceStore, Step, StoredSlices } from './slices/store/slice-store.ts';
export type { StoredVerification, VerificationStore } from './verification/verification-store.ts';

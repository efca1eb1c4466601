export type { Clock } from './clock.ts';
export { createControl, type Control, type ControlDeps } from './create-control.ts';
export type { CaughtUp, ControlBus, MonolithDatabase, TableFeed, TableSnapshots } from './feed/ports.ts';
export { openSqliteStore, type ControlStore } from './open-store.ts';
export {
  EpochConflictError,
  type SliceStore,
  type Step,
  type StoredSlices,
} from './slices/store/slice-store.ts';
export type { StoredVerification, VerificationStore } from './verification/verification-store.ts';
export type { Verify } from './verification/verify.ts';

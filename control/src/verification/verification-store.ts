import type { VerifyState } from '@banyan/cdc/verify';

/** A slice's verification that runs, or ran last. */
export interface StoredVerification {
  readonly slice: string;
  /** Only the run that began, or went on, last may write. */
  readonly run: string;
  /** Of which copy and by which mapping; with another one nothing of it counts. */
  readonly snapshot: string;
  readonly mapping: string;
  /** `running` also while it is interrupted. `failed`: going on would not help. */
  readonly state: 'running' | 'finished' | 'failed';
  readonly by: string;
  readonly reason: string | null;
  readonly repair: boolean;
  readonly startedAtMs: number;
  readonly finishedAtMs: number | null;
  /** Why it was interrupted or failed. */
  readonly error: string | null;
  /** What is settled so far; null before the first range. */
  readonly progress: VerifyState | null;
}

/** Keeps verifications over restarts of the control plane. */
export interface VerificationStore {
  read(slice: string): Promise<StoredVerification | null>;
  /** Takes the place of whatever was stored for this slice. */
  begin(verification: StoredVerification): Promise<void>;
  /** @returns false, with nothing written, when another run has begun since. */
  save(verification: StoredVerification): Promise<boolean>;
}

import type { SliceDefinition } from '@banyan/contracts';
import type { VerifyState } from '@banyan/cdc/verify';
import type { ServiceCopy } from '../slices/service-copy.ts';

/** Compares every row of both sides of a slice, and goes on from where an earlier call was interrupted. */
export type Verify = (options: {
  readonly slice: SliceDefinition;
  readonly copy: ServiceCopy;
  /** What the earlier call knew; null to begin. */
  readonly resume: VerifyState | null;
  /** Repairs what differs. */
  readonly repair: boolean;
  /** It backs off above this lag from commit to apply, milliseconds. */
  readonly maxLagMs: number;
  readonly signal: AbortSignal;
  /** Awaited after each step that is settled. */
  readonly onProgress: (state: VerifyState) => Promise<void>;
}) => Promise<VerifyState>;

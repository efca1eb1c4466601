import type { RangeReport, RangeRequest, RangeRows, SyncReport } from '@banyan/contracts';

/** A service's copy as the control plane sees it. The service answers for its own rows. */
export interface ServiceCopy {
  sync(signal: AbortSignal): Promise<SyncReport>;
  /** Topics on which the consumer has met this barrier. */
  metTopics(barrierId: string, signal: AbortSignal): Promise<readonly string[]>;
  range(request: RangeRequest, signal: AbortSignal): Promise<RangeReport>;
  rows(request: RangeRequest, signal: AbortSignal): Promise<RangeRows>;
}

import type { PiecesReport, PiecesRequest, RowsReport, RowsRequest, SyncReport } from '@banyan/contracts';

/** A service's copy as the control plane sees it. The service answers for its own rows. */
export interface ServiceCopy {
  sync(signal: AbortSignal): Promise<SyncReport>;
  /** Topics on which the consumer has met this barrier. */
  metTopics(barrierId: string, signal: AbortSignal): Promise<readonly string[]>;
  /** Counts and hashes of pieces of a target table. */
  pieces(request: PiecesRequest, signal: AbortSignal): Promise<PiecesReport>;
  /** One range row by row. */
  rows(request: RowsRequest, signal: AbortSignal): Promise<RowsReport>;
}

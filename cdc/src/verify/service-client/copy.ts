import type {
  HeldKeyReport,
  HeldKeyRequest,
  PiecesReport,
  PiecesRequest,
  QuarantineReport,
  RetryReport,
  RetryRequest,
  RowsReport,
  RowsRequest,
  StoreReport,
  SyncReport,
} from '@banyan/contracts';

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

/** What the control plane asks a service besides: about its store, and about what it holds back. */
export interface ServiceStore {
  /** The slice's tables as the store has them. */
  store(signal: AbortSignal): Promise<StoreReport>;
  /** @param limit 1 to 1,000. */
  quarantine(limit: number, signal: AbortSignal): Promise<QuarantineReport>;
  retryHeld(request: RetryRequest, signal: AbortSignal): Promise<RetryReport>;
  /** How many records are held of a key. */
  heldKey(request: HeldKeyRequest, signal: AbortSignal): Promise<HeldKeyReport>;
}

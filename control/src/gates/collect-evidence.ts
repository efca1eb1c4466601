import type { Logger, Work } from '@banyan/kit';
import type { SliceLedger } from '../slices/ledger/slice-ledger.ts';
import type { ManagedSlice } from '../slices/managed-slice.ts';
import { EvidenceCollector, type EvidenceDeps } from './evidence-collector.ts';

const SERVICE_INTERVAL_MS = 1_000;

/** Asks each service, and whoever else has evidence for its slice's gates, once a second. */
export function collectEvidence(
  deps: EvidenceDeps & {
    readonly slices: readonly ManagedSlice[];
    readonly ledger: Pick<SliceLedger, 'read'>;
    readonly log: Logger;
  },
): { readonly evidence: EvidenceCollector; readonly work: readonly Work[] } {
  const { slices, ledger, log } = deps;
  const evidence = new EvidenceCollector(deps);
  const look = async (slice: ManagedSlice, signal: AbortSignal): Promise<void> => {
    const state = await ledger.read(slice.name);
    await evidence.pollService(slice, signal);
    await evidence.pollRest(slice, state, signal);
  };
  return {
    evidence,
    work: slices.map((slice) => ({
      intervalMs: SERVICE_INTERVAL_MS,
      run: (signal) => look(slice, signal),
      onError: (error) => log.warn({ err: error }, 'evidence could not be collected'),
    })),
  };
}

import type { SliceDefinition } from '@banyan/contracts';
import { within, type Closable, type Logger, type Work } from '@banyan/kit';
import type { Clock } from '../clock.ts';
import { SliceLedger } from './ledger/slice-ledger.ts';
import { manageSlices, type ManagedSlice, type Service } from './managed-slice.ts';
import type { SliceStore } from './store/slice-store.ts';

/** How soon a step that could not be written is tried again. */
const FLUSH_INTERVAL_MS = 1_000;

/** The slices that are moved, and the one place where their states are kept. */
export interface Slices extends Closable {
  readonly slices: readonly ManagedSlice[];
  readonly ledger: SliceLedger;
  readonly work: readonly Work[];
}

/**
 * Reads the slices' states, and adds slices that were never seen before. `close()` tries once more to write what could not
 * be written; the store stays open.
 *
 * @throws Error when a slice has no service, or the store cannot be read.
 */
export async function openSlices(deps: {
  readonly definitions: readonly SliceDefinition[];
  readonly services: Readonly<Record<string, Service>>;
  readonly store: SliceStore;
  readonly clock: Clock;
  readonly log: Logger;
}): Promise<Slices> {
  const { definitions, services, store, clock, log } = deps;
  const slices = manageSlices(definitions, services);
  const ledger = new SliceLedger({ store, clock, log });
  // Also a higher version of the routes than any that was published before, since addresses may have changed.
  await ledger.open(slices.map(({ name }) => name));
  return {
    slices,
    ledger,
    work: [
      {
        intervalMs: FLUSH_INTERVAL_MS,
        run: () => ledger.flush(),
        onError: (error) => log.warn({ err: error }, 'steps could not be written'),
      },
    ],
    close: () => within(FLUSH_INTERVAL_MS, ledger.flush()).catch(() => undefined), // what stays unwritten was said
  };
}

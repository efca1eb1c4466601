import type { Logger, Work } from '@banyan/kit';
import type { Clock } from '../clock.ts';
import type { AddRoutes } from '../http/add-routes.ts';
import type { ManagedSlice } from '../slices/managed-slice.ts';
import { MissingValueReader } from './missing-value-reader.ts';
import { quarantineRoutes } from './quarantine-routes.ts';
import { QuarantinedRecords, type QuarantinedRecordsDeps } from './quarantined-records.ts';

const LOOK_INTERVAL_MS = 1_000;

/** The services' quarantine: people's commands for it, and reading rows again for values that the log left out. */
export function createQuarantine(
  deps: QuarantinedRecordsDeps & {
    readonly slices: readonly ManagedSlice[];
    readonly clock: Clock;
    readonly log: Logger;
  },
): { readonly addRoutes: AddRoutes; readonly work: readonly Work[] } {
  const { slices, log } = deps;
  const missingValues = new MissingValueReader(deps);
  return {
    addRoutes: quarantineRoutes(new QuarantinedRecords(deps), slices),
    work: slices.map((slice) => ({
      intervalMs: LOOK_INTERVAL_MS,
      run: (signal) => missingValues.look(slice, signal),
      onError: (error) => log.warn({ err: error }, 'rows could not be read again'),
    })),
  };
}

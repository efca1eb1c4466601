import { parseLsn } from '@banyan/cdc/capture';
import { completeCopyOf } from '../slices/domain/slice-state.ts';
import type { Lsn } from './ports.ts';
import type { CaughtUpRounds } from './caught-up-rounds.ts';
import { findSlice, type ManagedSlice } from '../slices/managed-slice.ts';
import type { SliceLedger } from '../slices/ledger/slice-ledger.ts';

/**
 * Waits until the slices have applied a position that is taken after this call. A slice without a complete copy
 * needs no wait: its copy is complete only after a position that is taken later still.
 *
 * @returns the lowest position applied; null position when no slice had to be asked; not caught up when a slice
 * could not be shown to be in time.
 * @throws UnknownSliceError
 */
export async function waitUntilCaughtUp(
  deps: {
    readonly ledger: SliceLedger;
    readonly rounds: CaughtUpRounds;
    readonly slices: readonly ManagedSlice[];
  },
  request: { readonly slices: readonly string[]; readonly timeoutMs: number },
): Promise<{ caughtUp: boolean; position: Lsn | null }> {
  const wanted = [...new Set(request.slices)].map((name) => findSlice(deps.slices, name));
  const states = (await deps.ledger.readAll()).slices;
  const withCopy = wanted.filter(({ name }) =>
    states.some((state) => state.name === name && completeCopyOf(state) !== null),
  );
  const late = Promise.withResolvers<null>();
  const timer = setTimeout(() => late.resolve(null), request.timeoutMs);
  try {
    const rounds = Promise.all(withCopy.map((slice) => deps.rounds.join(slice)));
    const positions = await Promise.race([rounds, late.promise]);
    if (!positions) return { caughtUp: false, position: null };
    const [lowest = null] = positions.toSorted((a, b) => (parseLsn(a) < parseLsn(b) ? -1 : 1));
    return { caughtUp: true, position: lowest };
  } catch {
    return { caughtUp: false, position: null }; // the reason is kept as evidence by the rounds
  } finally {
    clearTimeout(timer);
  }
}

import { rollback } from '../slices/domain/transitions.ts';
import { shareOf, type SliceState } from '../slices/domain/slice-state.ts';
import type { ProxyRegistry } from '../routes/proxy-registry.ts';
import type { SliceLedger } from '../slices/ledger/slice-ledger.ts';

/**
 * A control plane that ended before it could write a rollback left it with the proxies alone, whose routes are newer
 * than the store's. It is found by that and written down: reads must not move again because nobody remembers.
 *
 * @returns whether the slice was rolled back. @throws EpochConflictError, StoreUnwritableError.
 */
export async function recoverRollback(
  { ledger, proxies }: { readonly ledger: SliceLedger; readonly proxies: Pick<ProxyRegistry, 'live'> },
  state: SliceState,
): Promise<boolean> {
  if (shareOf(state) === 0) return false;
  const { version } = await ledger.readAll();
  const holder = proxies
    .live()
    .filter(({ snapshotVersion }) => snapshotVersion > version)
    .find(({ slices }) =>
      slices.some(({ slice, askedShare }) => slice === state.name && askedShare < shareOf(state)),
    );
  const decision = holder ? rollback(state) : null;
  if (!holder || !decision?.ok) return false;
  const reason =
    `${holder.proxyId} has routes v${holder.snapshotVersion}, newer than v${version} of the store: ` +
    'a step that took the reads back was made while the store could not be written';
  await ledger.takeBack({
    from: state,
    next: decision.next,
    by: 'control',
    verb: 'rollback',
    reason,
    evidence: [],
  });
  return true;
}

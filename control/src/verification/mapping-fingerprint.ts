import { createHash } from 'node:crypto';
import type { SliceDefinition } from '@banyan/contracts';
import { completeCopyOf, type CatalogMark, type SliceState } from '../slices/domain/slice-state.ts';

/**
 * Tells whether two definitions map their tables alike, transforms included (by name and source text), and from columns
 * that mean the same.
 */
export function mappingFingerprint({ tables }: SliceDefinition, catalog: CatalogMark | null): string {
  const text = JSON.stringify([tables, catalog], (_key, value: unknown) =>
    typeof value === 'function' ? Function.prototype.toString.call(value) : value,
  );
  return createHash('sha256').update(text).digest('hex').slice(0, 32);
}

/** Whether a verification is of this very copy, as its source is now. */
export function isOfCopy(
  state: SliceState,
  { definition }: { readonly definition: SliceDefinition },
  { snapshot, mapping }: { readonly snapshot: string; readonly mapping: string },
): boolean {
  const copy = completeCopyOf(state);
  return (
    copy?.snapshotId === snapshot && mappingFingerprint(definition, copy.feed.catalog ?? null) === mapping
  );
}

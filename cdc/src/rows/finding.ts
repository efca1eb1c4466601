import type { ShownField } from '@banyan/contracts';

/** How a row differs. `unsettled`: it changed in every look, so that nothing can be said of the copy. */
export type FindingKind = 'missing' | 'extra' | 'different' | 'unsettled';

/** A field that differs. Personal values are never here; others are cut. */
export interface DifferingField {
  /** Target column. */
  readonly column: string;
  /** What the copy should hold and what it holds; null for SQL's null, and when hidden. */
  readonly wanted: string | null;
  readonly got: string | null;
  /** True when the column is personal: its values are not told. */
  readonly isHidden: boolean;
}

/** A row that the two sides do not agree on. */
export interface Finding {
  readonly kind: FindingKind;
  /** Target key as text. */
  readonly key: readonly string[];
  /** For the kind `different`; empty when they were not looked at. */
  readonly fields: readonly DifferingField[];
}

/** The fields in which two rows differ, by their hashes. */
export function differingFields(
  wanted: Readonly<Record<string, ShownField>>,
  got: Readonly<Record<string, ShownField>>,
): DifferingField[] {
  return Object.keys(wanted).flatMap((column) => {
    const ours = wanted[column] ?? null;
    const theirs = got[column] ?? null;
    if (ours?.hash === theirs?.hash) return [];
    const isHidden = [ours, theirs].some((field) => field !== null && field.shown === null);
    const shown = (field: ShownField): string | null => (isHidden ? null : (field?.shown ?? null));
    return [{ column, wanted: shown(ours), got: shown(theirs), isHidden }];
  });
}

/** `public.reviews [17]: different in the service (stars, headline)`. Names and keys, no values. */
export function describeFinding(table: string, { kind, key, fields }: Finding): string {
  const what = {
    missing: 'missing in the service',
    extra: 'only in the service',
    different: 'different in the service',
    unsettled: 'changes so often that it could not be compared',
  };
  const columns = fields.length > 0 ? ` (${fields.map(({ column }) => column).join(', ')})` : '';
  return `${table} [${key.join(', ')}]: ${what[kind]}${columns}`;
}

import type { SliceDefinition } from '@banyan/contracts';
import type { CarriedTable } from './feed-columns.ts';

/** What slices need of their tables: of each table the columns that any of them maps. */
export function carriedTables(slices: readonly SliceDefinition[]): readonly CarriedTable[] {
  const columns = new Map<string, Set<string>>();
  for (const mapping of slices.flatMap(({ tables }) => tables)) {
    const known = columns.get(mapping.source) ?? [];
    columns.set(mapping.source, new Set([...known, ...Object.keys(mapping.columns)]));
  }
  return Array.from(columns, ([name, mapped]) => ({ name, columns: [...mapped] }));
}

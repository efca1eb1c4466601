import fc from 'fast-check';
import type { FieldValue, SliceDefinition } from '../slice.ts';
import { transformFault } from '../transforms.ts';
import { valuesOf } from './values-of.ts';

/**
 * For a slice's own test: every transform of an owned table brings back every value that its column can hold, tried
 * with values at random and at the edges.
 *
 * @param columns For each column with a transform, as `schema.table.column`: its PostgreSQL type, or, where a CHECK or
 * an enum allows a few values only, these.
 * @throws Error that names the column and the least value that does not come back, or a column that was forgotten.
 * @example
 * expectInvertible(reviewsSlice, { 'public.reviews.status': 'character varying(20)' });
 */
export function expectInvertible(
  slice: SliceDefinition,
  columns: Readonly<Record<string, string | readonly FieldValue[]>>,
): void {
  for (const table of slice.tables.filter(({ kind }) => kind === 'owned')) {
    for (const [column, target] of Object.entries(table.columns)) {
      if (typeof target === 'string') continue;
      const name = `${table.source}.${column}`;
      const given = columns[name];
      if (given === undefined) throw new Error(`Say what ${name} can hold: it has a transform.`);
      const values = typeof given === 'string' ? valuesOf(given) : fc.constantFrom(...given);
      const { counterexample } = fc.check(
        fc.property(values, (value) => transformFault(target.transform, value) === null),
      );
      if (counterexample === null) continue;
      const [value] = counterexample;
      throw new Error(
        `${name}: the transform ${target.transform.name} does not bring back ${fc.stringify(value)} ` +
          `(${transformFault(target.transform, value) ?? ''})`,
      );
    }
  }
}

import { transformFault, type Row, type TableMapping, type TransformFault } from '@banyan/contracts';

const faults: Readonly<Record<TransformFault, string>> = {
  'forward-throws': 'throws',
  'inverse-throws': 'makes something that its inverse() throws at',
  'another-value': 'makes something that its inverse() does not bring back',
};

/**
 * Runs the transforms of a table that will be written back over rows of the source. A copy that is never written back
 * needs no way back; it still needs transforms that do not throw. Findings name keys, no values.
 *
 * @param rows With the mapped columns, e.g. the first some hundred.
 */
export function checkTransforms(mapping: TableMapping, rows: readonly Row[]): string[] {
  return Object.entries(mapping.columns).flatMap(([column, target]) => {
    if (typeof target === 'string') return [];
    const found = rows.flatMap((row) => {
      const value = row[column];
      const fault = value === undefined ? null : transformFault(target.transform, value);
      const counts = mapping.kind === 'owned' || fault === 'forward-throws';
      return fault !== null && counts ? [{ row, fault }] : [];
    });
    const [first] = found;
    if (!first) return [];
    const key = mapping.key.map((name) => String(first.row[name])).join(', ');
    const { name } = target.transform;
    const remedy =
      first.fault === 'forward-throws'
        ? 'let it take every value that the column holds'
        : 'an owned table is written back, so mend the pair, or drop the column';
    return [
      `${mapping.source}.${column}: the transform ${name} ${faults[first.fault]}, for ${found.length} of ${rows.length} rows looked at, e.g. [${key}]: ${remedy}`,
    ];
  });
}

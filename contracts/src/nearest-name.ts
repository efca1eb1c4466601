/** Steps from one word to the other: a letter more, one less, another one, or two neighbours swapped. */
function distance(from: string, to: string): number {
  const rows = [Array.from({ length: to.length + 1 }, (_, column) => column)];
  const at = (row: number, column: number): number => rows[row]?.[column] ?? 0;
  for (let row = 1; row <= from.length; row += 1) {
    const cells = [row];
    for (let column = 1; column <= to.length; column += 1) {
      const isSame = from[row - 1] === to[column - 1];
      let least = Math.min(
        at(row - 1, column) + 1,
        (cells[column - 1] ?? 0) + 1,
        at(row - 1, column - 1) + (isSame ? 0 : 1),
      );
      const isSwap = from[row - 1] === to[column - 2] && from[row - 2] === to[column - 1];
      if (row > 1 && column > 1 && isSwap) least = Math.min(least, at(row - 2, column - 2) + 1);
      cells.push(least);
    }
    rows.push(cells);
  }
  return at(from.length, to.length);
}

/**
 * The known name that somebody most likely meant; null when none is near enough to guess at.
 *
 * @example nearestName('tralingSlash', ['trailingSlash', 'letterCase']) // 'trailingSlash'
 */
export function nearestName(given: string, known: Iterable<string>): string | null {
  const plain = given.toLowerCase();
  let best: { readonly name: string; readonly steps: number } | null = null;
  for (const name of known) {
    const steps = distance(plain, name.toLowerCase());
    if (best === null || steps < best.steps) best = { name, steps };
  }
  return best !== null && best.steps <= Math.max(1, Math.floor(best.name.length / 3)) ? best.name : null;
}

/** `"colour" is not known; did you mean "color"? Known: ...`: the one wording for a name that nobody knows. */
export function unknownName(given: string, known: readonly string[]): string {
  const nearest = nearestName(given, known);
  const guess = nearest === null ? '' : `; did you mean "${nearest}"?`;
  return `"${given}" is not known${guess || ';'} known: ${known.join(', ') || 'none'}`;
}

/** Most rows, and about most characters, of one statement. */
const STATEMENT_ROWS = 5_000;
const STATEMENT_CHARS = 8_000_000;

/**
 * Cuts rows into parts that one statement each can carry, in order, so that a batch of any size is written in bounded
 * memory. A row that is larger than the bound is a part of its own.
 */
export function* chunkRows<T>(rows: readonly T[], charsOf: (row: T) => number): Generator<readonly T[]> {
  let part: T[] = [];
  let chars = 0;
  for (const row of rows) {
    const more = charsOf(row);
    if (part.length > 0 && (part.length === STATEMENT_ROWS || chars + more > STATEMENT_CHARS)) {
      yield part;
      part = [];
      chars = 0;
    }
    part.push(row);
    chars += more;
  }
  if (part.length > 0) yield part;
}

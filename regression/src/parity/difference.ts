/** One place where two answers differ. */
export interface Difference {
  /** e.g. `reviews[2].rating`, or `article[3] > heading "Fine"`. */
  readonly where: string;
  /** What the monolith says there; null for nothing. */
  readonly expected: string | null;
  /** What the other side says there; null for nothing. */
  readonly actual: string | null;
}

/** Differences as lines for people; '' when there is none. */
export function describeDifferences(differences: readonly Difference[]): string {
  return differences
    .map(
      ({ where, expected, actual }) =>
        `${where}: wanted ${expected ?? 'nothing'}, got ${actual ?? 'nothing'}`,
    )
    .join('\n');
}

/** Rows by key; a row is one text that equals another's exactly when all fields do. */
export type Rows = ReadonlyMap<string, string>;

/** What a side has otherwise than it should. Keys, the first few of each kind. */
export interface CopyProblems {
  /** Acknowledged and not there. */
  readonly missing: readonly string[];
  /** There, though deleted, rolled back or never written. */
  readonly extra: readonly string[];
  readonly different: readonly string[];
  readonly count: number;
}

const EXAMPLES = 10;

/** Compares a side with what was acknowledged. */
export function compareCopies(expected: Rows, found: Rows): CopyProblems {
  const missing = [...expected.keys()].filter((key) => !found.has(key));
  const extra = [...found.keys()].filter((key) => !expected.has(key));
  const different = [...expected].flatMap(([key, row]) =>
    found.has(key) && found.get(key) !== row ? [key] : [],
  );
  return {
    missing: missing.slice(0, EXAMPLES),
    extra: extra.slice(0, EXAMPLES),
    different: different.slice(0, EXAMPLES),
    count: missing.length + extra.length + different.length,
  };
}

/** A stretch of two sequences: one item that both have, or what only one of them has there. */
export type Stretch<T> =
  | { readonly kind: 'same'; readonly expected: T; readonly actual: T }
  | { readonly kind: 'differs'; readonly expected: readonly T[]; readonly actual: readonly T[] };

/** Lengths of the longest common subsequences of all tails of both. */
function commonLengths(expected: readonly string[], actual: readonly string[]): number[][] {
  const lengths = Array.from({ length: expected.length + 1 }, () =>
    new Array<number>(actual.length + 1).fill(0),
  );
  const at = (i: number, j: number): number => lengths[i]?.[j] ?? 0;
  for (let i = expected.length - 1; i >= 0; i -= 1) {
    for (let j = actual.length - 1; j >= 0; j -= 1) {
      const row = lengths[i];
      if (row)
        row[j] = expected[i] === actual[j] ? at(i + 1, j + 1) + 1 : Math.max(at(i + 1, j), at(i, j + 1));
    }
  }
  return lengths;
}

/**
 * Lays two sequences beside each other by the longest common subsequence, so that one item too few is one
 * difference and does not make everything after it differ.
 * @param textOf items with the same text are the same
 */
export function align<T>(
  expected: readonly T[],
  actual: readonly T[],
  textOf: (item: T) => string,
): readonly Stretch<T>[] {
  const lengths = commonLengths(expected.map(textOf), actual.map(textOf));
  const stretches: Stretch<T>[] = [];
  let gap: { expected: T[]; actual: T[] } = { expected: [], actual: [] };
  const closeGap = () => {
    if (gap.expected.length + gap.actual.length > 0) stretches.push({ kind: 'differs', ...gap });
    gap = { expected: [], actual: [] };
  };
  let i = 0;
  let j = 0;
  while (i < expected.length || j < actual.length) {
    const left = expected[i];
    const right = actual[j];
    if (left !== undefined && right !== undefined && textOf(left) === textOf(right)) {
      closeGap();
      stretches.push({ kind: 'same', expected: left, actual: right });
      i += 1;
      j += 1;
    } else if (
      right === undefined ||
      (left !== undefined && (lengths[i + 1]?.[j] ?? 0) >= (lengths[i]?.[j + 1] ?? 0))
    ) {
      if (left !== undefined) gap.expected.push(left);
      i += 1;
    } else {
      gap.actual.push(right);
      j += 1;
    }
  }
  closeGap();
  return stretches;
}

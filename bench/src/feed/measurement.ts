/** One line of a benchmark's table. */
export interface Line {
  readonly name: string;
  readonly value: number;
  readonly unit: 'rows/s' | 'tx/s' | 'ms' | 'MiB';
  /** What `value` is measured against in the same run; null for a baseline itself. */
  readonly ratio: { readonly of: string; readonly value: number } | null;
}

/** What one benchmark came to. */
export interface Measurement {
  /** As it is called on the command line. */
  readonly name: string;
  readonly title: string;
  /** Sizes that it ran with, for people, e.g. `200,000 rows, 3 rounds`. */
  readonly sizes: string;
  readonly lines: readonly Line[];
  /** What we want of it and whether it came out so; null where nothing is wanted. */
  readonly aim: { readonly text: string; readonly met: boolean } | null;
  /** What could not be measured, and why. */
  readonly notes: readonly string[];
}

/** The middle one; the lower of the two middle ones. 0 without values. */
export function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor((values.length - 1) / 2)] ?? 0;
}

/** The value that `share` (0 to 1) of the values do not exceed. 0 without values. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? 0;
}

/** A line with the ratio to another one. */
export function against(line: Omit<Line, 'ratio'>, baseline: Pick<Line, 'name' | 'value'>): Line {
  return { ...line, ratio: { of: baseline.name, value: line.value / baseline.value } };
}

/** Results of interleaved rounds by contestant, in the order of their first round. */
export class Rounds {
  readonly #values = new Map<string, number[]>();

  add(name: string, value: number): void {
    this.#values.set(name, [...(this.#values.get(name) ?? []), value]);
  }

  /** Median of a contestant's rounds. */
  median(name: string): number {
    return median(this.#values.get(name) ?? []);
  }
}

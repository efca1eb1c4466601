/** A look at how far a table snapshot of a table had come. */
interface Look {
  readonly atMs: number;
  readonly rowsDone: number;
}

/** What is known of a table snapshot of a table; null where nothing is. */
export interface SeenProgress {
  readonly id: string;
  readonly rowsDone: number | null;
  readonly rowsEstimated: number | null;
}

/** How fast a table is read, and how long it may take from here. Unknown is null. */
export interface SnapshotRate {
  readonly rowsPerSecond: number | null;
  readonly remainingMs: number | null;
}

const WINDOW_MS = 30_000;
/** Two looks closer than this say little of a rate, milliseconds. */
const LEAST_SPAN_MS = 1_000;

/** Rates of table snapshots, from looks at them over the last half minute. */
export class SnapshotRates {
  readonly #tables = new Map<string, { readonly id: string; readonly looks: readonly Look[] }>();

  /** Takes a look in; another snapshot of the table begins from nothing. */
  observe(table: string, progress: SeenProgress | null, atMs: number): void {
    if (progress?.rowsDone == null) return;
    const known = this.#tables.get(table);
    const before = known?.id === progress.id ? known.looks : [];
    const looks = [
      ...before.filter((look) => atMs - look.atMs <= WINDOW_MS),
      { atMs, rowsDone: progress.rowsDone },
    ];
    this.#tables.set(table, { id: progress.id, looks });
  }

  rate(table: string, progress: SeenProgress): SnapshotRate {
    const known = this.#tables.get(table);
    const looks = known?.id === progress.id ? known.looks : [];
    const [first, last] = [looks[0], looks.at(-1)];
    if (!first || !last || last.atMs - first.atMs < LEAST_SPAN_MS) {
      return { rowsPerSecond: null, remainingMs: null };
    }
    const rowsPerMs = (last.rowsDone - first.rowsDone) / (last.atMs - first.atMs);
    const { rowsDone, rowsEstimated } = progress;
    const left = rowsEstimated === null || rowsDone === null ? 0 : rowsEstimated - rowsDone;
    return {
      rowsPerSecond: rowsPerMs * 1_000,
      remainingMs: rowsPerMs > 0 && left > 0 ? Math.round(left / rowsPerMs) : null,
    };
  }
}

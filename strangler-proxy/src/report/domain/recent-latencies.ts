const CAPACITY = 2_048;

/** Latencies of the last while, in a ring of the newest 2,048. */
export class RecentLatencies {
  readonly #durationsMs = new Float64Array(CAPACITY);
  readonly #atMs = new Float64Array(CAPACITY).fill(Number.NEGATIVE_INFINITY);
  readonly #windowMs: number;
  #next = 0;

  /** @param windowMs How far back percentiles look. */
  constructor(windowMs: number) {
    this.#windowMs = windowMs;
  }

  /** @param nowMs Any clock that does not go back, the same for all calls. */
  add(durationMs: number, nowMs: number): void {
    this.#durationsMs[this.#next] = durationMs;
    this.#atMs[this.#next] = nowMs;
    this.#next = (this.#next + 1) % CAPACITY;
  }

  /** Percentiles by nearest rank, in milliseconds; null with nothing in the window. */
  percentiles(nowMs: number): { readonly p50Ms: number | null; readonly p95Ms: number | null } {
    const recent = this.#durationsMs
      .filter((_duration, index) => nowMs - (this.#atMs[index] ?? 0) <= this.#windowMs)
      .sort();
    const rank = (share: number): number | null => recent[Math.ceil(recent.length * share) - 1] ?? null;
    return { p50Ms: rank(0.5), p95Ms: rank(0.95) };
  }
}

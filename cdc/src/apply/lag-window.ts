const WINDOW_SECONDS = 60;
/** Each bucket is 5 % wider than the one before: so exact is a percentile. */
const GROWTH = 1.05;
const EXACT_MS = 20;
const BUCKETS = EXACT_MS + 350;

/** Percentiles of what was recorded in the last minute, within 5 %, in memory that does not grow. */
export interface LagWindow {
  /** @param lagMs Negative (clocks that differ) counts as 0. */
  record(lagMs: number, nowMs: number): void;
  /** Null with no sample in the last minute. */
  percentiles(nowMs: number): { p50Ms: number; p99Ms: number; samples: number } | null;
}

/** A histogram for each of the last sixty seconds. */
export function createLagWindow(): LagWindow {
  const seconds = Array.from({ length: WINDOW_SECONDS }, () => ({
    at: -1,
    counts: new Uint32Array(BUCKETS),
  }));
  return {
    record(lagMs, nowMs) {
      const at = Math.floor(nowMs / 1000);
      const second = seconds[at % WINDOW_SECONDS];
      if (!second) return;
      if (second.at !== at) {
        second.at = at;
        second.counts.fill(0);
      }
      const bucket = toBucket(lagMs);
      second.counts[bucket] = (second.counts[bucket] ?? 0) + 1;
    },
    percentiles(nowMs) {
      const oldest = Math.floor(nowMs / 1000) - WINDOW_SECONDS;
      const total = new Uint32Array(BUCKETS);
      for (const { at, counts } of seconds) {
        if (at > oldest) counts.forEach((count, bucket) => (total[bucket] = (total[bucket] ?? 0) + count));
      }
      const samples = total.reduce((sum, count) => sum + count, 0);
      if (samples === 0) return null;
      return { p50Ms: quantile(total, samples * 0.5), p99Ms: quantile(total, samples * 0.99), samples };
    },
  };
}

function toBucket(lagMs: number): number {
  const whole = Math.max(0, Math.round(lagMs));
  if (whole <= EXACT_MS) return whole;
  return Math.min(BUCKETS - 1, EXACT_MS + Math.ceil(Math.log(whole / EXACT_MS) / Math.log(GROWTH)));
}

/** Upper bound of the bucket that holds the sample at `rank`. */
function quantile(counts: Uint32Array, rank: number): number {
  let seen = 0;
  const bucket = counts.findIndex((count) => (seen += count) >= rank);
  return bucket <= EXACT_MS ? bucket : Math.round(EXACT_MS * GROWTH ** (bucket - EXACT_MS));
}

/** What one side of a slice answered, counted since a proxy's start. */
export interface SideCounts {
  readonly requests: number;
  /** Answers 500 and above, and requests that got no answer. */
  readonly errors: number;
  readonly p95Ms: number | null;
}

/** What a proxy told of a slice at one moment. */
export interface TrafficLook {
  readonly atMs: number;
  /** Tells one run of a proxy from the next, whose counts begin at 0. */
  readonly run: string;
  readonly monolith: SideCounts;
  readonly service: SideCounts;
}

/** What was answered within the window; `p95Ms` is the last one told, of the slowest proxy of the side. */
export interface TrafficWindow {
  readonly monolith: SideCounts;
  readonly service: SideCounts;
}

export const TRAFFIC_WINDOW_MS = 60_000;

/** The looks that are needed to tell what happened in the window up to now. */
export function recentLooks(looks: readonly TrafficLook[], nowMs: number): readonly TrafficLook[] {
  return looks.filter(({ atMs }) => nowMs - atMs <= TRAFFIC_WINDOW_MS);
}

/** Sums over proxies what each counted from its first look to its last one; null without a look. */
export function windowOf(looks: readonly TrafficLook[]): TrafficWindow | null {
  const runs = new Map<string, { readonly first: TrafficLook; readonly last: TrafficLook }>();
  for (const look of looks) runs.set(look.run, { first: runs.get(look.run)?.first ?? look, last: look });
  if (runs.size === 0) return null;
  const side = (of: 'monolith' | 'service'): SideCounts => {
    const each = [...runs.values()].map(({ first, last }) => [first[of], last[of]] as const);
    const p95s = each.flatMap(([, last]) => last.p95Ms ?? []);
    return {
      requests: each.reduce((sum, [first, last]) => sum + last.requests - first.requests, 0),
      errors: each.reduce((sum, [first, last]) => sum + last.errors - first.errors, 0),
      p95Ms: p95s.length === 0 ? null : Math.max(...p95s),
    };
  };
  return { monolith: side('monolith'), service: side('service') };
}

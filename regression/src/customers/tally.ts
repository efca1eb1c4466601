/** Counts of one kind of step. */
export interface KindCounts {
  readonly requests: number;
  /** 5xx, 4xx that a customer does not expect, no answer within the deadline, broken connections. */
  readonly errors: number;
  /** Reads that did not show what the same customer had written before. */
  readonly staleReads: number;
}

/** What the customers met so far. */
export interface Totals extends KindCounts {
  readonly elapsedMs: number;
  readonly visits: number;
  /** Refusals that are the shop's good right, such as sold out or no credit left. Not errors. */
  readonly refusals: number;
  readonly reviewsWritten: number;
  readonly ordersPlaced: number;
  readonly byKind: Readonly<Record<string, KindCounts>>;
  /** The last few failures in words, oldest first. */
  readonly recentFailures: readonly string[];
}

/** Counts as things happen. */
export interface Tally {
  request(kind: string): void;
  error(kind: string, what: string): void;
  staleRead(kind: string, what: string): void;
  count(what: 'visits' | 'refusals' | 'reviewsWritten' | 'ordersPlaced'): void;
  totals(): Totals;
}

const FAILURES_KEPT = 10;

/** @param now milliseconds that only rise; elapsed time counts from this call. */
export function createTally(now: () => number): Tally {
  const startedAtMs = now();
  const kinds = new Map<string, { requests: number; errors: number; staleReads: number }>();
  const counts = { visits: 0, refusals: 0, reviewsWritten: 0, ordersPlaced: 0 };
  const recentFailures: string[] = [];
  const of = (kind: string) => {
    const known = kinds.get(kind) ?? { requests: 0, errors: 0, staleReads: 0 };
    kinds.set(kind, known);
    return known;
  };
  const remember = (what: string) => {
    recentFailures.push(what);
    if (recentFailures.length > FAILURES_KEPT) recentFailures.shift();
  };
  const sum = (field: keyof KindCounts) => [...kinds.values()].reduce((all, kind) => all + kind[field], 0);
  return {
    request: (kind) => (of(kind).requests += 1),
    error(kind, what) {
      of(kind).errors += 1;
      remember(`${kind}: ${what}`);
    },
    staleRead(kind, what) {
      of(kind).staleReads += 1;
      remember(`${kind}: stale: ${what}`);
    },
    count: (what) => (counts[what] += 1),
    totals: () => ({
      elapsedMs: Math.round(now() - startedAtMs),
      requests: sum('requests'),
      errors: sum('errors'),
      staleReads: sum('staleReads'),
      ...counts,
      byKind: Object.fromEntries([...kinds].map(([kind, known]) => [kind, { ...known }])),
      recentFailures: [...recentFailures],
    }),
  };
}

/** Totals as one line for people. */
export function describeTotals(totals: Totals): string {
  const number = new Intl.NumberFormat('en-GB');
  const parts: readonly (readonly [number, string])[] = [
    [totals.requests, 'requests'],
    [totals.errors, 'errors'],
    [totals.staleReads, 'stale reads'],
    [totals.visits, 'visits'],
    [totals.reviewsWritten, 'reviews written'],
    [totals.ordersPlaced, 'orders placed'],
    [totals.refusals, 'refusals'],
  ];
  const seconds = (totals.elapsedMs / 1000).toFixed(0);
  return `${seconds} s: ${parts.map(([count, what]) => `${number.format(count)} ${what}`).join(' · ')}`;
}

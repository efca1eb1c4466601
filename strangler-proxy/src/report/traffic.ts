import type { DecisionReason, RoutesSnapshot, SliceRoutes, SliceTraffic } from '@banyan/contracts';
import type { Decision } from '../decide/domain/decide.ts';
import { isShed, judge, type ForwardOutcome } from '../forward/domain/forward-outcome.ts';
import type { BreakerOf } from '../forward/domain/slice-breaker.ts';
import type { Target } from '../routes/domain/sides.ts';
import { RecentLatencies } from './domain/recent-latencies.ts';

const PERCENTILE_WINDOW_MS = 60_000;

interface Side {
  requests: number;
  errors: number;
  readonly latencies: RecentLatencies;
}

/** Counts since the share last changed; a request keeps to those that held when it was decided. */
export interface ShareCounts {
  eligible: number;
  servedByService: number;
}

interface SliceCounts {
  /** What the share counts belong to. */
  shareKey: string;
  sinceShareChange: ShareCounts;
  readonly byReason: Partial<Record<DecisionReason, number>>;
  withoutKey: number;
  readonly monolith: Side;
  readonly service: Side;
}

/** One line of `banyan_proxy_requests_total`. */
export interface ServedCount {
  readonly slice: string;
  readonly target: Target;
  readonly reason: DecisionReason;
  count: number;
}

const newSide = (): Side => ({
  requests: 0,
  errors: 0,
  latencies: new RecentLatencies(PERCENTILE_WINDOW_MS),
});

// These are sent where they go whatever the share is.
const OUTSIDE_SHARE: ReadonlySet<DecisionReason> = new Set([
  'no-slice',
  'unclear-path',
  'owner',
  'override',
  'pin',
  'no-key',
]);

const shareKeyOf = ({ share, salt, phase, rolledBack }: SliceRoutes): string =>
  JSON.stringify([share, salt, phase, rolledBack]);

/** Counts what the proxy does; read by the report and by metrics. */
export class Traffic {
  requests = 0;
  clientErrors = 0;
  /** Writes whose path might have led them to the wrong owner. */
  refusedWrites = 0;
  /** Requests that an upstream was spared, since it had as many as it may. */
  shed = 0;
  readonly served = new Map<string, ServedCount>();
  readonly #slices = new Map<string, SliceCounts>();

  /** Begins anew to count shares that changed. */
  useSnapshot(snapshot: RoutesSnapshot): void {
    for (const slice of snapshot.slices) {
      const counts = this.#countsOf(slice);
      const shareKey = shareKeyOf(slice);
      if (counts.shareKey === shareKey) continue;
      counts.shareKey = shareKey;
      counts.sinceShareChange = { eligible: 0, servedByService: 0 };
    }
  }

  /** The counts that a request decided now belongs to. */
  shareCountsOf(slice: SliceRoutes): ShareCounts {
    return this.#countsOf(slice).sinceShareChange;
  }

  /** A read that stayed on the monolith since nothing tells this client from others, and nothing will next time. */
  countWithoutKey(slice: SliceRoutes): void {
    this.#countsOf(slice).withoutKey += 1;
  }

  /** One exchange with one side. @param slice Null for none. */
  countExchange(slice: SliceRoutes | null, target: Target, outcome: ForwardOutcome): void {
    if (isShed(outcome)) {
      this.shed += 1;
      return;
    }
    if (!slice) return;
    const side = this.#countsOf(slice)[target];
    side.requests += 1;
    if (judge(outcome) === 'failure') side.errors += 1;
    if ('headersMs' in outcome) side.latencies.add(outcome.headersMs, performance.now());
  }

  /** One request, once it is over. `decision` is what came of it: a fallback counts as such. */
  countServed(
    slice: SliceRoutes | null,
    decision: Decision,
    { outcome, share }: { readonly outcome: ForwardOutcome; readonly share: ShareCounts | null },
  ): void {
    const { target, reason } = decision;
    const key = `${slice?.name ?? ''} ${target} ${reason}`;
    const line = this.served.get(key);
    if (line) line.count += 1;
    else this.served.set(key, { slice: slice?.name ?? '', target, reason, count: 1 });
    if (!slice) return;
    const { byReason } = this.#countsOf(slice);
    byReason[reason] = (byReason[reason] ?? 0) + 1;
    if (!share || OUTSIDE_SHARE.has(reason) || outcome.kind === 'cancelled') return;
    share.eligible += 1;
    if (target === 'service' && outcome.kind === 'answered') share.servedByService += 1;
  }

  /** The slices of a snapshot as the report has them. */
  report(snapshot: RoutesSnapshot, breakerOf: BreakerOf): SliceTraffic[] {
    const nowMs = performance.now();
    return snapshot.slices.map((slice) => {
      const { sinceShareChange, byReason, withoutKey, monolith, service } = this.#countsOf(slice);
      const side = ({ requests, errors, latencies }: Side): SliceTraffic['service'] => ({
        requests,
        errors,
        ...latencies.percentiles(nowMs),
      });
      return {
        slice: slice.name,
        askedShare: slice.share,
        sinceShareChange: { ...sinceShareChange },
        byReason: { ...byReason },
        withoutKey,
        monolith: side(monolith),
        service: side(service),
        breaker: breakerOf(slice.name).state,
      };
    });
  }

  #countsOf(slice: SliceRoutes): SliceCounts {
    let counts = this.#slices.get(slice.name);
    if (!counts) {
      counts = {
        shareKey: shareKeyOf(slice),
        sinceShareChange: { eligible: 0, servedByService: 0 },
        byReason: {},
        withoutKey: 0,
        monolith: newSide(),
        service: newSide(),
      };
      this.#slices.set(slice.name, counts);
    }
    return counts;
  }
}

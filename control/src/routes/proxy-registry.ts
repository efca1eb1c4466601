import type { ProxyReport, SliceStatus, StatusReport } from '@banyan/contracts';
import { recentLooks, windowOf, type TrafficLook, type TrafficWindow } from './domain/traffic-window.ts';
import type { Clock } from '../clock.ts';

/** A proxy that reported within this time is alive, milliseconds. */
const LIVE_MS = 5_000;
/** A proxy that was silent for longer is forgotten, milliseconds. */
const FORGET_MS = 60_000;

/** What proxies told of themselves, each once a second. */
export class ProxyRegistry {
  readonly #clock: Clock;
  readonly #reports = new Map<string, { readonly report: ProxyReport; readonly atMs: number }>();
  readonly #looks = new Map<string, readonly TrafficLook[]>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  record(report: ProxyReport): void {
    const atMs = this.#clock.nowMs();
    this.#reports.set(report.proxyId, { report, atMs });
    const run = `${report.proxyId} ${report.startedAtMs}`;
    for (const { slice, monolith, service } of report.slices) {
      const looks = this.#looks.get(slice) ?? [];
      this.#looks.set(slice, recentLooks([...looks, { atMs, run, monolith, service }], atMs));
    }
  }

  /** What both sides of a slice answered in the last minute; null when no proxy told. */
  traffic(slice: string): TrafficWindow | null {
    return windowOf(recentLooks(this.#looks.get(slice) ?? [], this.#clock.nowMs()));
  }

  /** Every proxy that is not forgotten yet, by id. */
  all(): StatusReport['proxies'] {
    const nowMs = this.#clock.nowMs();
    for (const [id, { atMs }] of this.#reports) if (nowMs - atMs > FORGET_MS) this.#reports.delete(id);
    return [...this.#reports.values()]
      .map(({ report, atMs }) => ({ reportedAgeMs: Math.max(0, nowMs - atMs), report }))
      .sort((a, b) => a.report.proxyId.localeCompare(b.report.proxyId));
  }

  live(): ProxyReport[] {
    return this.all()
      .filter(({ reportedAgeMs }) => reportedAgeMs <= LIVE_MS)
      .map(({ report }) => report);
  }

  /**
   * What the live proxies served of a slice since they took over the share asked for; null with no live proxy.
   * A proxy that still counts for another share is left out.
   */
  served(slice: string, askedShare: number): SliceStatus['served'] {
    const live = this.live();
    if (live.length === 0) return null;
    const traffic = live
      .flatMap((report) => report.slices)
      .filter((each) => each.slice === slice && each.askedShare === askedShare);
    const sum = (pick: (each: (typeof traffic)[number]) => number): number =>
      traffic.reduce((total, each) => total + pick(each), 0);
    const eligible = sum((each) => each.sinceShareChange.eligible);
    const servedByService = sum((each) => each.sinceShareChange.servedByService);
    return { eligible, servedByService, share: eligible === 0 ? null : servedByService / eligible };
  }
}

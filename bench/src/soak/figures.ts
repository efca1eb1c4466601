import { median, percentile } from '../feed/measurement.ts';
import { outageKinds, type KillKind } from './kill-plan.ts';

/** A kill and how it was got over. Times are milliseconds since the epoch. */
export interface Kill {
  readonly kind: KillKind;
  readonly atMs: number;
  /** When its supervisor had it ready again. */
  readonly readyAtMs: number;
  /** When the first write that was acknowledged after the kill was in the service's store. */
  readonly caughtUpAtMs: number;
}

/** A write of the probe: acknowledged by the monolith's database, then seen in the service's store. */
export interface ProbeSample {
  readonly acknowledgedAtMs: number;
  readonly seenAtMs: number;
}

/** Totals of the customers at a moment. */
export interface CustomerSample {
  readonly atMs: number;
  readonly requests: number;
  readonly errors: number;
  readonly staleReads: number;
}

/** A time in which something was broken, both ends included. */
export interface Window {
  readonly fromMs: number;
  readonly toMs: number;
}

/** Customers' totals come once a second, and a request may have begun a moment before the end of an outage. */
const GRACE_MS = 3_000;

/** When requests may fail: from each kill of a part that nothing stands in for, until it was ready, and a little more. */
export function outagesOf(kills: readonly Kill[]): Window[] {
  return kills
    .filter(({ kind }) => outageKinds.has(kind))
    .map(({ atMs, readyAtMs }) => ({ fromMs: atMs, toMs: readyAtMs + GRACE_MS }));
}

/** When the copy may lag: from each kill until it had caught up. */
export function disturbancesOf(kills: readonly Kill[]): Window[] {
  return kills.map(({ atMs, caughtUpAtMs, readyAtMs }) => ({
    fromMs: atMs,
    toMs: Math.max(caughtUpAtMs, readyAtMs),
  }));
}

const overlaps = (windows: readonly Window[], fromMs: number, toMs: number): boolean =>
  windows.some((window) => window.fromMs <= toMs && fromMs <= window.toMs);

/** What customers met inside and outside of outages. */
export interface CustomerFigures {
  readonly requests: number;
  readonly errorsInOutages: number;
  readonly errorsOutside: number;
  readonly staleReads: number;
}

/** Sums what rose from one sample to the next; it counts as inside when an outage touches the time between the two. */
export function customerFigures(
  samples: readonly CustomerSample[],
  outages: readonly Window[],
): CustomerFigures {
  let errorsInOutages = 0;
  let errorsOutside = 0;
  for (const [index, sample] of samples.entries()) {
    const before = samples[index - 1];
    if (!before) continue;
    const errors = sample.errors - before.errors;
    if (overlaps(outages, before.atMs, sample.atMs)) errorsInOutages += errors;
    else errorsOutside += errors;
  }
  const rise = (field: 'requests' | 'staleReads'): number =>
    (samples.at(-1)?.[field] ?? 0) - (samples[0]?.[field] ?? 0);
  return { requests: rise('requests'), errorsInOutages, errorsOutside, staleReads: rise('staleReads') };
}

/** Percentiles of the probe outside of disturbances; null without a sample there. */
export function lagFigures(
  samples: readonly ProbeSample[],
  disturbances: readonly Window[],
): { readonly p50Ms: number; readonly p99Ms: number; readonly samples: number } | null {
  const calm = samples
    .filter(({ acknowledgedAtMs, seenAtMs }) => !overlaps(disturbances, acknowledgedAtMs, seenAtMs))
    .map(({ acknowledgedAtMs, seenAtMs }) => Math.max(0, seenAtMs - acknowledgedAtMs));
  if (calm.length === 0) return null;
  return { p50Ms: percentile(calm, 0.5), p99Ms: percentile(calm, 0.99), samples: calm.length };
}

/** How often each kind was killed, and how long it took. */
export interface KillFigures {
  readonly kind: KillKind;
  readonly kills: number;
  /** From the kill until ready again, and until caught up: the middle one and the longest. */
  readonly readyMs: { readonly median: number; readonly max: number };
  readonly caughtUpMs: { readonly median: number; readonly max: number };
}

/** By kind, in the order of their first kill. */
export function killFigures(kills: readonly Kill[]): KillFigures[] {
  return [...Map.groupBy(kills, ({ kind }) => kind)].map(([kind, ofKind]) => {
    const spread = (end: 'readyAtMs' | 'caughtUpAtMs'): { median: number; max: number } => {
      const tookMs = ofKind.map((kill) => kill[end] - kill.atMs);
      return { median: median(tookMs), max: Math.max(...tookMs) };
    };
    return { kind, kills: ofKind.length, readyMs: spread('readyAtMs'), caughtUpMs: spread('caughtUpAtMs') };
  });
}

import { setTimeout as sleep } from 'node:timers/promises';
import type { StatusReport } from '@banyan/contracts';
import { ControlClient } from '../control-client.ts';
import { readCustomerTotals } from '../customers.ts';
import type { Home } from '../home.ts';
import { readRunState } from '../supervise/run-state.ts';

const INTERVAL_MS = 1_000;
/** Proxies report once a second, so what happened is in the figures a little later. */
const MOST_LINES = 25;
/** Lines after which all may be called well again. */
const LEAST_LINES = 5;
const MOST_BLOCKS = 14;

/** Who answered a slice's reads, since the proxies started. */
export interface Counts {
  readonly byService: number;
  readonly byMonolith: number;
  /** Of those of the monolith: reads that were the service's, which failed to answer. */
  readonly inItsPlace: number;
  /** Errors that the built-in customers met; null without customers. */
  readonly errors: number | null;
}

export function countsOf(report: StatusReport, slice: string, errors: number | null): Counts {
  const served = report.slices.find(({ name }) => name === slice)?.served;
  const traffic = report.proxies.flatMap(({ report: proxy }) =>
    proxy.slices.filter((each) => each.slice === slice),
  );
  const byService = served?.servedByService ?? 0;
  return {
    byService,
    byMonolith: (served?.eligible ?? 0) - byService,
    inItsPlace: traffic.reduce(
      (n, { byReason }) => n + (byReason.fallback ?? 0) + (byReason.breaker ?? 0),
      0,
    ),
    errors,
  };
}

const blocks = (count: number): string => '▇'.repeat(Math.min(count, MOST_BLOCKS));

/**
 * ` 2 s  service restarting  by the service ▇▇ 2  by the monolith ▇▇▇▇▇▇ 6 (4 in its place)  customers' errors 0`: what happened
 * since the look before.
 */
export function meterLine(
  seconds: number,
  state: string,
  { before, now }: { before: Counts; now: Counts },
): string {
  const since = (key: 'byService' | 'byMonolith' | 'inItsPlace'): number =>
    Math.max(0, now[key] - before[key]);
  const [service, monolith, inItsPlace] = [since('byService'), since('byMonolith'), since('inItsPlace')];
  return [
    `${String(seconds).padStart(2)} s`,
    `service ${state.padEnd(10)}`,
    `by the service ${blocks(service)} ${service}`.padEnd(16 + MOST_BLOCKS),
    `by the monolith ${blocks(monolith)} ${monolith}${inItsPlace > 0 ? ` (${inItsPlace} in the service's place)` : ''}`,
    `customers' errors ${now.errors ?? 'unknown'}`,
  ].join('  ');
}

/** Prints who answers, a line a second, until the service has died, is back and answers; for 25 s at most. */
export async function showMeter(home: Home, slice: string, signal: AbortSignal): Promise<void> {
  const restartsAtFirst = restartsOf(home, slice);
  let before: Counts | null = null;
  for (let line = 0; line <= MOST_LINES && !signal.aborted; line += 1) {
    const report = await ControlClient.open(home).status(signal);
    const now = countsOf(report, slice, readCustomerTotals(home)?.errors ?? null);
    const state = readRunState(home)?.processes.find(({ name }) => name === slice)?.state ?? 'unknown';
    if (before) console.log(meterLine(line, state, { before, now }));
    const isBack = state === 'ready' && restartsOf(home, slice) > restartsAtFirst;
    if (before && line >= LEAST_LINES && isBack && now.byService > before.byService) return;
    before = now;
    await sleep(INTERVAL_MS, undefined, { signal });
  }
}

function restartsOf(home: Home, slice: string): number {
  return readRunState(home)?.processes.find(({ name }) => name === slice)?.restarts ?? 0;
}

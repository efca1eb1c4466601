import type { StatusReport } from '@banyan/contracts';
import { count, percent } from './terminal.ts';

/** Reads of a slice that hung on who asks, and those of clients that nothing tells from others. */
export interface KeylessReads {
  readonly reads: number;
  readonly withoutKey: number;
}

/** As the proxies have seen it since they started. */
export function keylessReads({ proxies }: Pick<StatusReport, 'proxies'>, slice: string): KeylessReads {
  let reads = 0;
  let withoutKey = 0;
  for (const { report } of proxies) {
    for (const traffic of report.slices.filter((each) => each.slice === slice)) {
      const { cohort = 0, breaker = 0, fallback = 0, 'no-key': noKey = 0 } = traffic.byReason;
      reads += cohort + breaker + fallback + noKey;
      withoutKey += traffic.withoutKey;
    }
  }
  return { reads, withoutKey };
}

/** `12 % of 1,204 reads came with no cookie, token or key: they stay on the monolith`. */
export function keylessText({ reads, withoutKey }: KeylessReads): string {
  const share = percent(reads === 0 ? null : withoutKey / reads);
  return `${share} of ${count(reads)} reads came with no cookie, token or key: they stay on the monolith`;
}

import type { GateLimits, SyncReport } from '@banyan/contracts';
import type { CaughtUpEvidence } from '../../feed/domain/caught-up-evidence.ts';
import type { SliceState } from '../../slices/domain/slice-state.ts';
import type { TrafficWindow } from '../../routes/domain/traffic-window.ts';

/** What the service answered when it was last asked; null before it was asked at all. */
export type ServiceEvidence =
  | { readonly reachable: true; readonly report: SyncReport; readonly atMs: number }
  | {
      readonly reachable: false;
      readonly error: string;
      readonly atMs: number;
      /** The last report before it went silent, if there was one. */
      readonly lastReport: SyncReport | null;
    };

/** Whether the copy is of today's feed, when that was last known and why it could not be told since. */
export interface FeedEvidence {
  readonly knownAtMs: number | null;
  readonly broken: string | null;
  readonly error: string | null;
}

/** What the source says of the slice's tables; null where it could not be asked. */
export type TableCheck =
  | { readonly known: true; readonly problems: readonly string[] }
  | { readonly known: false; readonly error: string };

/** Everything that a slice's gates judge by, at one moment. Unknown is null. */
export interface Evidence {
  readonly nowMs: number;
  readonly state: SliceState;
  readonly limits: GateLimits;
  /** False: it copies nothing, and is judged by its traffic. */
  readonly hasTables: boolean;
  /** What both sides answered in the last minute, by the proxies; null when none has told. */
  readonly traffic: TrafficWindow | null;
  readonly service: ServiceEvidence | null;
  readonly caughtUp: CaughtUpEvidence;
  /** Null without a copy whose table snapshot was asked for. */
  readonly feed: FeedEvidence | null;
  /** How far the table snapshot has come, in words; null when nothing is known. */
  readonly copyProgress: string | null;
  /** Asked for only before the copy is begun. */
  readonly tables: TableCheck | null;
}

/** A report older than this says nothing of now, milliseconds. */
export const REPORT_FRESH_MS = 5_000;
/** Age at which a success of catching up stops counting, milliseconds. */
export const CAUGHT_UP_MAX_AGE_MS = 15_000;

/** Age at which knowing that the feed is still the copy's stops counting, milliseconds. */
export const FEED_LOOK_MAX_AGE_MS = 15_000;

/** The service's report, if it is fresh enough to speak of now. */
export function freshReport(service: ServiceEvidence | null, nowMs: number): SyncReport | null {
  return service?.reachable && nowMs - service.atMs <= REPORT_FRESH_MS ? service.report : null;
}

/**
 * Milliseconds since the last heartbeat that is known to have come all the way to the service was written. It
 * goes on growing while the service is silent. Null when none is known.
 */
export function heartbeatAgeMs(service: ServiceEvidence | null, nowMs: number): number | null {
  const report = service?.reachable ? service.report : (service?.lastReport ?? null);
  return report?.heartbeatAtMs == null ? null : Math.max(0, nowMs - report.heartbeatAtMs);
}

/** Records in quarantine, over all tables; null when unknown. */
export function quarantinedOf(service: ServiceEvidence | null, nowMs: number): number | null {
  const report = freshReport(service, nowMs);
  return report && report.tables.reduce((sum, table) => sum + table.quarantined, 0);
}

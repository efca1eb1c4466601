import type { StatusReport } from '@banyan/contracts';
import { parseLsn } from '@banyan/cdc/capture';
import { Gauge, Registry } from 'prom-client';

type SetGauge = (name: string, labels: Record<string, string>, value: number | null) => void;

const gauges: Readonly<Record<string, { readonly help: string; readonly labels: readonly string[] }>> = {
  banyan_slice_share_ratio: { help: 'Share of cohorts asked for, 0 to 1', labels: ['slice'] },
  banyan_slice_phase: { help: '1 for the phase that the slice is in', labels: ['slice', 'phase'] },
  banyan_slice_in_sync: { help: '1 when the copy is complete and streaming', labels: ['slice'] },
  banyan_slice_paused: { help: '1 while the slice is paused', labels: ['slice'] },
  banyan_slice_lag_seconds: {
    help: 'Commit to apply over the last minute; absent when unknown',
    labels: ['slice', 'quantile'],
  },
  banyan_slice_heartbeat_age_seconds: {
    help: 'Since the last heartbeat known to be in the service was written; absent when unknown',
    labels: ['slice'],
  },
  banyan_slice_quarantined_records: {
    help: 'Records that could not be applied, in quarantine; absent when unknown',
    labels: ['slice', 'table'],
  },
  banyan_slice_gate_passes: {
    help: '1 when the gate passes, 0 when it fails; absent when inconclusive',
    labels: ['slice', 'gate'],
  },
  banyan_slice_differences: {
    help: 'Differences that the last verification found; absent with none made',
    labels: ['slice'],
  },
  banyan_feed_running: { help: '1 when the reader is heard; absent when unknown', labels: [] },
  banyan_feed_retained_wal_bytes: {
    help: 'WAL that the slot keeps on disk; absent when unknown',
    labels: [],
  },
  banyan_feed_bus_bytes: { help: 'Room that the bus takes; absent when unknown', labels: [] },
  banyan_feed_bus_max_bytes: { help: 'Room that the bus may take; absent without a limit', labels: [] },
  banyan_feed_heard_age_seconds: {
    help: 'Since the reader last stored anything; absent when unknown',
    labels: [],
  },
  banyan_feed_backlog_bytes: {
    help: 'WAL that was written and is not stored on the bus; absent when unknown',
    labels: [],
  },
  banyan_feed_safe_wal_bytes: {
    help: 'WAL that may be written before the slot is in danger; absent when unknown or unlimited',
    labels: [],
  },
  banyan_feed_retention_ok: {
    help: '1 while the WAL that the slot keeps is no reason to worry; absent when unknown',
    labels: [],
  },
  banyan_feed_other_slot_retained_wal_bytes: {
    help: 'WAL that a slot keeps that nobody reads',
    labels: ['slot'],
  },
  banyan_feed_wal_position_bytes: {
    help: 'End of the WAL at the source, bytes; absent when unknown',
    labels: [],
  },
  banyan_feed_stored_position_bytes: {
    help: 'End of the WAL that is stored on the bus, bytes; absent when unknown',
    labels: [],
  },
  banyan_table_snapshot_rows_done: {
    help: 'Rows that a table snapshot has read; absent when unknown',
    labels: ['slice', 'table'],
  },
  banyan_table_snapshot_rows_estimated: {
    help: "The planner's estimate of the table's rows; may be exceeded, absent when unknown",
    labels: ['slice', 'table'],
  },
  banyan_table_snapshot_rows_per_second: {
    help: 'Over the last half minute; absent when it does not run',
    labels: ['slice', 'table'],
  },
  banyan_table_snapshot_remaining_seconds: {
    help: 'By estimate and rate; absent when either is unknown',
    labels: ['slice', 'table'],
  },
  banyan_table_next_offset: {
    help: 'Offset of the next record that the service applies; absent when unknown',
    labels: ['slice', 'table'],
  },
  banyan_table_end_offset: {
    help: "Offset after the last record of the table's topic; absent when unknown",
    labels: ['slice', 'table'],
  },
  banyan_feed_incarnation: {
    help: 'Raised by one whenever the feed restarted with a possible gap; absent when unknown',
    labels: [],
  },
  banyan_routes_version: { help: 'Version of the routes that the proxies are to use', labels: [] },
  banyan_routes_at_proxy_version: {
    help: 'Version of the routes that a proxy uses, by its last report',
    labels: ['proxy'],
  },
};

function setAll(report: StatusReport, set: SetGauge): void {
  const flag = (value: boolean): number => (value ? 1 : 0);
  for (const slice of report.slices) {
    const labels = { slice: slice.name };
    set('banyan_slice_share_ratio', labels, slice.share);
    set('banyan_slice_phase', { ...labels, phase: slice.phase }, 1);
    set('banyan_slice_in_sync', labels, flag(slice.inSync));
    set('banyan_slice_paused', labels, flag(slice.paused !== null));
    const lag = slice.sync?.lag ?? null;
    set('banyan_slice_lag_seconds', { ...labels, quantile: '0.5' }, seconds(lag && lag.p50Ms));
    set('banyan_slice_lag_seconds', { ...labels, quantile: '0.99' }, seconds(lag && lag.p99Ms));
    set('banyan_slice_heartbeat_age_seconds', labels, seconds(slice.heartbeatAgeMs));
    set('banyan_slice_differences', labels, slice.verification && slice.verification.differences);
    for (const table of slice.tables) {
      const of = { ...labels, table: table.source };
      const snapshot = table.tableSnapshot;
      set('banyan_slice_quarantined_records', of, table.quarantined);
      set('banyan_table_snapshot_rows_done', of, snapshot && snapshot.rowsDone);
      set('banyan_table_snapshot_rows_estimated', of, snapshot && snapshot.rowsEstimated);
      set('banyan_table_snapshot_rows_per_second', of, snapshot && snapshot.rowsPerSecond);
      set('banyan_table_snapshot_remaining_seconds', of, seconds(snapshot && snapshot.remainingMs));
      set('banyan_table_next_offset', of, table.nextOffset);
      set('banyan_table_end_offset', of, table.endOffset);
    }
    for (const { gate, verdict } of slice.gates) {
      set(
        'banyan_slice_gate_passes',
        { ...labels, gate },
        verdict === 'inconclusive' ? null : flag(verdict === 'pass'),
      );
    }
  }
  const { feed } = report;
  set('banyan_feed_running', {}, feed.state === 'unknown' ? null : flag(feed.state === 'running'));
  set('banyan_feed_retained_wal_bytes', {}, feed.retainedWalBytes);
  set('banyan_feed_bus_bytes', {}, feed.bus && feed.bus.bytes);
  set('banyan_feed_bus_max_bytes', {}, feed.bus && feed.bus.maxBytes);
  set('banyan_feed_heard_age_seconds', {}, seconds(feed.heardAgeMs));
  set('banyan_feed_backlog_bytes', {}, feed.backlogBytes);
  set('banyan_feed_safe_wal_bytes', {}, feed.safeWalBytes);
  const { level } = feed.retention;
  set('banyan_feed_retention_ok', {}, level === 'unknown' ? null : flag(level === 'ok'));
  set('banyan_feed_wal_position_bytes', {}, positionBytes(feed.walPosition));
  set('banyan_feed_stored_position_bytes', {}, positionBytes(feed.storedPosition));
  for (const { name, retainedWalBytes } of feed.otherSlots) {
    set('banyan_feed_other_slot_retained_wal_bytes', { slot: name }, retainedWalBytes);
  }
  set('banyan_feed_incarnation', {}, feed.incarnation);
  set('banyan_routes_version', {}, report.snapshotVersion);
  for (const { report: proxy } of report.proxies) {
    set('banyan_routes_at_proxy_version', { proxy: proxy.proxyId }, proxy.snapshotVersion);
  }
}

const seconds = (ms: number | null): number | null => (ms === null ? null : ms / 1_000);

/** A double holds them exactly up to 8 PiB of WAL. */
function positionBytes(position: string | null): number | null {
  return position === null ? null : Number(parseLsn(position));
}

/** A status as Prometheus text. What is unknown is left out, never 0. */
export async function renderMetrics(
  report: StatusReport,
): Promise<{ readonly contentType: string; readonly text: string }> {
  // A registry for each answer: a series that is not set now is not shown with its last value.
  const registry = new Registry();
  const made = new Map<string, Gauge>();
  setAll(report, (name, labels, value) => {
    const gauge = gauges[name];
    if (value === null || !gauge) return;
    const existing = made.get(name);
    const target =
      existing ?? new Gauge({ name, help: gauge.help, labelNames: [...gauge.labels], registers: [registry] });
    made.set(name, target);
    target.set(labels, value);
  });
  return { contentType: registry.contentType, text: await registry.metrics() };
}

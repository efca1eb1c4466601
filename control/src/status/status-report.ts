import { CONTROL_SCHEMA_VERSION, tableTopic, type SliceStatus, type StatusReport } from '@banyan/contracts';
import { examplePathOf, nextStepsOf } from '../slices/domain/next-steps.ts';
import type { SnapshotRates } from '../feed/domain/snapshot-rate.ts';
import {
  copyOf,
  completeCopyOf,
  formatShare,
  shareOf,
  type SliceState,
} from '../slices/domain/slice-state.ts';
import { nextShare } from '../slices/domain/transitions.ts';
import { freshReport, heartbeatAgeMs, type Evidence } from '../gates/domain/evidence.ts';
import { evaluateGates, isHeldUp } from '../gates/domain/evaluate.ts';
import type { Clock } from '../clock.ts';
import type { TableSnapshots } from '../feed/ports.ts';
import type { EvidenceCollector } from '../gates/evidence-collector.ts';
import type { FeedMonitor } from '../feed/feed-monitor.ts';
import { findSlice, type ManagedSlice, type SliceWithState } from '../slices/managed-slice.ts';
import type { OutboxTable } from '../feed/outbox-table.ts';
import type { ProxyRegistry } from '../routes/proxy-registry.ts';
import type { Reconciler } from '../reconcile/reconciler.ts';
import type { SliceLedger } from '../slices/ledger/slice-ledger.ts';
import type { SnapshotWaits } from '../feed/snapshot-waits.ts';
import type { VerificationRunner } from '../verification/verification-runner.ts';
import type { WalMonitor } from '../feed/wal-monitor.ts';

/** Gates of a copy that is complete and streams. */
const IN_SYNC = ['copy-complete', 'feed-continuous', 'service-reachable', 'heartbeat', 'quarantine'];

export interface StatusDeps {
  readonly ledger: SliceLedger;
  /** Watches of the files that the control plane uses. */
  readonly stores: readonly { problems(): readonly string[] }[];
  readonly evidence: EvidenceCollector;
  readonly feed: FeedMonitor;
  readonly proxies: ProxyRegistry;
  readonly reconciler: Pick<Reconciler, 'trouble'>;
  readonly verifications: Pick<VerificationRunner, 'progress'>;
  readonly tableSnapshots: TableSnapshots;
  /** Null without an outbox. */
  readonly outbox: Pick<OutboxTable, 'status'> | null;
  readonly waits: Pick<SnapshotWaits, 'of'>;
  readonly wal: Pick<WalMonitor, 'status' | 'endOffset'>;
  readonly rates: Pick<SnapshotRates, 'rate'>;
  readonly topicPrefix: string;
  readonly slices: readonly ManagedSlice[];
  readonly clock: Clock;
}

/** Puts together what is known, for people and programs. Unknown stays null. */
export class StatusReporter {
  readonly #deps: StatusDeps;

  constructor(deps: StatusDeps) {
    this.#deps = deps;
  }

  async status(): Promise<StatusReport> {
    const { clock, feed, wal, proxies, outbox } = this.#deps;
    const { version, all } = await this.#all();
    const feedStatus = { ...feed.status(), ...wal.status(), outbox: outbox?.status() ?? null };
    const isWell =
      feedStatus.state === 'none' ||
      (feedStatus.state === 'running' && ['ok', 'unknown'].includes(feedStatus.retention.level));
    const slices = all.map((each) => this.#slice(each, all));
    const ofSlices = all.flatMap(({ slice: { name, definition }, state }) => {
      const gates = slices.find((each) => each.name === name)?.gates ?? [];
      const examplePath = examplePathOf(definition.routes);
      return nextStepsOf(state, { name, examplePath, isHeldUp: isHeldUp(gates) });
    });
    return {
      schema_version: CONTROL_SCHEMA_VERSION,
      nowMs: clock.nowMs(),
      snapshotVersion: version,
      problems: this.#problems(version),
      slices,
      feed: feedStatus,
      proxies: proxies.all(),
      next_steps: [...new Set([...(isWell ? [] : ['banyan doctor']), ...ofSlices])],
    };
  }

  #problems(version: number): string[] {
    const { ledger, proxies, slices, evidence, clock, stores } = this.#deps;
    const ahead = proxies.live().filter(({ snapshotVersion }) => snapshotVersion > version);
    const ofServices = slices.flatMap(({ name }) =>
      (freshReport(evidence.service(name), clock.nowMs())?.problems ?? []).map(
        (problem) => `service of ${name}: ${problem}`,
      ),
    );
    const all = [
      ...ledger.problems(),
      ...stores.flatMap((store) => store.problems()),
      ...ofServices,
      ...ahead.map(
        ({ proxyId, snapshotVersion }) =>
          `${proxyId} uses routes v${snapshotVersion}, newer than v${version} of the control plane's store`,
      ),
    ];
    return [...new Set(all)];
  }

  async slices(): Promise<SliceStatus[]> {
    const { all } = await this.#all();
    return all.map((each) => this.#slice(each, all));
  }

  /** @throws UnknownSliceError */
  async slice(name: string): Promise<SliceStatus> {
    findSlice(this.#deps.slices, name);
    const { all } = await this.#all();
    const found = all.find(({ slice }) => slice.name === name);
    if (!found) throw new Error(`Slice "${name}" is not in the store.`);
    return this.#slice(found, all);
  }

  async #all(): Promise<{ version: number; all: SliceWithState[] }> {
    const { version, slices: states } = await this.#deps.ledger.readAll();
    const all = this.#deps.slices.flatMap((slice) =>
      states.filter(({ name }) => name === slice.name).map((state) => ({ slice, state })),
    );
    return { version, all };
  }

  #slice({ slice, state }: SliceWithState, all: readonly SliceWithState[]): SliceStatus {
    const { evidence, proxies } = this.#deps;
    const seen = evidence.evidence(slice, state, all);
    const gates = evaluateGates(seen);
    const { service, nowMs } = seen;
    const verification = completeCopyOf(state)?.verification ?? null;
    const waitsFor = this.#deps.waits.of(slice.name);
    return {
      name: slice.name,
      title: slice.definition.title,
      phase: state.phase,
      owner: 'monolith',
      epoch: state.epoch,
      share: shareOf(state),
      paused: state.paused,
      activity: this.#activity(slice, seen),
      ...(waitsFor.length > 0 && { waitsFor: [...waitsFor] }),
      inSync: (seen.hasTables ? IN_SYNC : ['service-reachable']).every((name) =>
        gates.some(({ gate, verdict }) => gate === name && verdict === 'pass'),
      ),
      service: {
        url: slice.serviceUrl,
        reachable: service?.reachable ?? false,
        error: service === null ? 'it was not asked yet' : service.reachable ? null : service.error,
      },
      sync: freshReport(service, nowMs),
      heartbeatAgeMs: heartbeatAgeMs(service, nowMs),
      tables: this.#tables(slice, seen),
      verification: verification && { ...verification, examples: [...verification.examples] },
      gates: [...gates],
      served: proxies.served(slice.name, shareOf(state)),
      next: describeNext(slice, state),
    };
  }

  #activity(slice: ManagedSlice, { copyProgress, state }: Evidence): string | null {
    const { verifications, reconciler } = this.#deps;
    const detaching =
      state.phase === 'monolith' && state.feed === 'attached' ? 'taking the tables out of the feed' : null;
    const snapshotId = completeCopyOf(state)?.snapshotId ?? null;
    const doing = verifications.progress(slice.name, snapshotId) ?? copyProgress ?? detaching;
    const trouble = reconciler.trouble(slice.name);
    if (trouble === null) return doing;
    return `${doing ?? 'a step'}; it failed and is tried again: ${trouble}`;
  }

  #tables(slice: ManagedSlice, { state, service, nowMs }: Evidence): SliceStatus['tables'] {
    const report = freshReport(service, nowMs);
    return slice.definition.tables.map(({ source, target, kind }) => {
      const reported = report?.tables.find((table) => table.source === source);
      return {
        source,
        target,
        kind,
        tableSnapshot: this.#tableSnapshot(source, state),
        nextOffset: reported?.nextOffset ?? null,
        endOffset: this.#endOffset(source, reported?.nextOffset ?? null),
        appliedRows: reported?.appliedRows ?? null,
        quarantined: reported?.quarantined ?? null,
      };
    });
  }

  /** The bus was asked before the service, or after it: what was applied was on the bus. */
  #endOffset(source: string, nextOffset: number | null): number | null {
    const end = this.#deps.wal.endOffset(tableTopic(this.#deps.topicPrefix, source));
    return end === null ? null : Math.max(end, nextOffset ?? 0);
  }

  #tableSnapshot(table: string, state: SliceState): SliceStatus['tables'][number]['tableSnapshot'] {
    const copy = copyOf(state);
    if (!copy || copy.step === 'starting') return null;
    const progress = this.#deps.tableSnapshots.progress(table, copy.snapshotId);
    const reading = copy.step === 'complete' ? 'completed' : (progress?.state ?? 'requested');
    const rate = progress && reading === 'running' ? this.#deps.rates.rate(table, progress) : null;
    return {
      state: reading,
      rowsPerSecond: rate?.rowsPerSecond ?? null,
      remainingMs: rate?.remainingMs ?? null,
      rowsDone: progress?.rowsDone ?? null,
      rowsEstimated: progress?.rowsEstimated ?? null,
    };
  }
}

function describeNext(slice: ManagedSlice, state: SliceState): string | null {
  const hasTables = slice.tables.length > 0;
  if (state.phase === 'monolith' && hasTables) {
    return 'copy its tables into the service and keep them in step (syncing)';
  }
  const share = nextShare(state, slice.canaryShares);
  if (share === null) return null;
  const step = `send the reads of ${formatShare(share)} of the visitors to the service`;
  return completeCopyOf(state) || !hasTables ? step : `${step}, once the copy is complete and verified`;
}

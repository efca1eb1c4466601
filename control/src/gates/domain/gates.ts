import { formatDuration, type GateResult, type SyncReport } from '@banyan/contracts';
import { completeCopyOf, copyOf } from '../../slices/domain/slice-state.ts';
import {
  CAUGHT_UP_MAX_AGE_MS,
  FEED_LOOK_MAX_AGE_MS,
  REPORT_FRESH_MS,
  freshReport,
  heartbeatAgeMs,
  quarantinedOf,
  type Evidence,
} from './evidence.ts';

/** Judges one thing by the evidence. What is not known is `inconclusive`, and never passes. */
export type Gate = (evidence: Evidence) => GateResult;

const number = new Intl.NumberFormat('en-US', { maximumFractionDigits: 0 });

interface Judged {
  readonly gate: string;
  readonly wanted: string;
  readonly remedy: string;
}

function verdict(judged: Judged, result: GateResult['verdict'], got: string): GateResult {
  const { gate, wanted, remedy } = judged;
  return { gate, verdict: result, wanted, got, remedy: result === 'pass' ? null : remedy };
}

/** The service answers control's questions. */
export const serviceReachable: Gate = ({ service, state, nowMs }) => {
  const judged: Judged = {
    gate: 'service-reachable',
    wanted: 'the service answers and its consumer runs',
    remedy: `banyan status: is the service of ${state.name} up? banyan doctor`,
  };
  if (service === null) return verdict(judged, 'inconclusive', 'it was not asked yet');
  if (!service.reachable) return verdict(judged, 'fail', `no answer: ${service.error}`);
  const ageMs = nowMs - service.atMs;
  if (ageMs > REPORT_FRESH_MS)
    return verdict(judged, 'inconclusive', `last asked ${formatDuration(ageMs)} ago`);
  const { state: consumer, error } = service.report;
  return consumer === 'running'
    ? verdict(judged, 'pass', 'it answers and its consumer runs')
    : verdict(judged, 'fail', `it answers, but its consumer is ${consumer}${error ? `: ${error}` : ''}`);
};

/** The slice's tables can be copied: both sides have them, and every mapped value finds a place that can hold it. */
export const sourceTables: Gate = ({ tables, state }) => {
  const judged: Judged = {
    gate: 'source-tables',
    wanted: 'the mapping fits the tables of the source and those of the service',
    remedy: `correct the definition of ${state.name} and restart control and the service, or mend the tables that are named`,
  };
  if (tables === null) return verdict(judged, 'inconclusive', 'the database was not asked yet');
  if (!tables.known) return verdict(judged, 'inconclusive', `not everybody could be asked: ${tables.error}`);
  return tables.problems.length === 0
    ? verdict(judged, 'pass', 'it does')
    : verdict(judged, 'fail', tables.problems.join('; '));
};

/** The table snapshot is complete and was caught up with. */
export const copyComplete: Gate = ({ state, copyProgress }) => {
  const judged: Judged = {
    gate: 'copy-complete',
    wanted: 'a complete table snapshot of every table',
    remedy: 'wait, and watch it: banyan status --watch',
  };
  const copy = copyOf(state);
  if (copy === null) return verdict(judged, 'fail', 'the copy was not started');
  if (copy.step === 'complete') return verdict(judged, 'pass', 'complete');
  return verdict(judged, 'fail', copyProgress ?? `the copy is ${copy.step}`);
};

/** The copy is of the feed that streams now: nothing can have been lost between. */
export const feedContinuous: Gate = ({ feed, state, nowMs }) => {
  const judged: Judged = {
    gate: 'feed-continuous',
    wanted: 'the same feed since the table snapshot',
    remedy: `a new table snapshot is taken by itself; watch it: banyan status --watch, and see why: banyan journal ${state.name}`,
  };
  if (feed === null)
    return verdict(judged, 'inconclusive', 'unknown: no table snapshot, or not looked at yet');
  if (feed.broken !== null) return verdict(judged, 'fail', feed.broken);
  const ageMs = feed.knownAtMs === null ? null : nowMs - feed.knownAtMs;
  return ageMs !== null && ageMs <= FEED_LOOK_MAX_AGE_MS
    ? verdict(judged, 'pass', 'the same')
    : verdict(judged, 'inconclusive', `unknown: ${feed.error ?? 'not looked at lately'}`);
};

/** A position taken at the source a moment ago was applied. */
export const caughtUp: Gate = (evidence) => judgeCaughtUp(evidence, evidence.caughtUp.error !== null);

/** While it serves, one round that fails is no alarm. */
export const lastingCaughtUp: Gate = (evidence) => judgeCaughtUp(evidence, false);

function judgeCaughtUp(
  { caughtUp: { startedAtMs, error }, nowMs }: Evidence,
  isInDoubt: boolean,
): GateResult {
  const judged: Judged = {
    gate: 'caught-up',
    wanted: `the last position asked for applied by the service, and at most ${formatDuration(CAUGHT_UP_MAX_AGE_MS)} old`,
    remedy: 'banyan status: is the feed running, is anything quarantined? banyan doctor',
  };
  const ageMs = startedAtMs === null ? null : nowMs - startedAtMs;
  const last = ageMs === null ? 'none yet' : `taken ${formatDuration(ageMs)} ago`;
  if (!isInDoubt && ageMs !== null && ageMs <= CAUGHT_UP_MAX_AGE_MS) return verdict(judged, 'pass', last);
  return error === null
    ? verdict(judged, 'inconclusive', last)
    : verdict(judged, 'fail', `${last}; since then: ${error}`);
}

function judgeLag({ service, nowMs, limits: { maxLagMs } }: Evidence, of: 'p50' | 'p99'): GateResult {
  const judged: Judged = {
    gate: 'lag',
    wanted: `commit to apply in at most ${formatDuration(maxLagMs)} (${of} of the last minute)`,
    remedy: 'wait until the service keeps up: banyan status --watch',
  };
  const report = freshReport(service, nowMs);
  if (!report) return verdict(judged, 'inconclusive', 'unknown: no fresh report of the service');
  if (!report.lag || report.lag.samples === 0) {
    return verdict(judged, 'inconclusive', 'unknown: nothing was applied in the last minute');
  }
  const lagMs = of === 'p50' ? report.lag.p50Ms : report.lag.p99Ms;
  const got = `${formatDuration(lagMs)} over ${number.format(report.lag.samples)} samples`;
  return verdict(judged, lagMs <= maxLagMs ? 'pass' : 'fail', got);
}

/** Changes are applied soon after their commit, nearly all of them: asked before a step forward. */
export const lag: Gate = (evidence) => judgeLag(evidence, 'p99');

/**
 * Changes are applied soon after their commit as a rule: asked while reads are with the service. A feed that was away
 * for some seconds leaves its late samples in the window for a minute, long after it has caught up; taking the reads
 * back for that would help nobody. A feed that is away now is the heartbeat gate's to see.
 */
export const lastingLag: Gate = (evidence) => judgeLag(evidence, 'p50');

/** The way from the monolith's database to the service is alive; idle is not healthy. */
export const heartbeat: Gate = ({ service, nowMs, limits: { maxHeartbeatAgeMs } }) => {
  const judged: Judged = {
    gate: 'heartbeat',
    wanted: `a heartbeat at most ${formatDuration(maxHeartbeatAgeMs)} old`,
    remedy: 'banyan status: is the feed running, does the service answer? banyan doctor',
  };
  const ageMs = heartbeatAgeMs(service, nowMs);
  if (ageMs === null) return verdict(judged, 'inconclusive', 'unknown: no heartbeat was ever met');
  return verdict(judged, ageMs <= maxHeartbeatAgeMs ? 'pass' : 'fail', `${formatDuration(ageMs)} old`);
};

const NAMED_KEYS = 5;

/** `: public.reviews [17] [18], public.products [3] ...`; empty when no keys are known. */
function heldNames(tables: SyncReport['tables']): string {
  const parts = tables.flatMap(({ source, heldKeys = [] }) => {
    if (heldKeys.length === 0) return [];
    const keys = heldKeys.slice(0, NAMED_KEYS).map((key) => `[${key.join(', ')}]`);
    return [`${source} ${keys.join(' ')}${heldKeys.length > NAMED_KEYS ? ' ...' : ''}`];
  });
  return parts.length === 0 ? '' : `: ${parts.join(', ')}`;
}

/** The command that ends what is held of no readable key: after a key's column was renamed, for instance. */
export function namelessRemedy(slice: string): string {
  return `banyan resync ${slice} --reason "records of no readable key"`;
}

/** No event is held back. */
export const quarantine: Gate = ({ service, nowMs, state }) => {
  const judged: Judged = {
    gate: 'quarantine',
    wanted: 'no event held back',
    remedy: `banyan sync errors ${state.name}`,
  };
  const held = quarantinedOf(service, nowMs);
  if (held === null) return verdict(judged, 'inconclusive', 'unknown: no fresh report of the service');
  const tables = freshReport(service, nowMs)?.tables ?? [];
  const got = `${number.format(held)} held back${heldNames(tables)}`;
  // Of no row that could be named: nothing but a new table snapshot makes up for them.
  const isNameless = tables.every(({ quarantined, heldKeys }) => quarantined === 0 || heldKeys?.length === 0);
  const remedy = isNameless ? namelessRemedy(state.name) : judged.remedy;
  return verdict({ ...judged, remedy }, held === 0 ? 'pass' : 'fail', got);
};

/** Name of the one gate that a step forward can mend by itself, by verifying. */
export const VERIFICATION_GATE = 'verification';

/** Every row of one side was found equal on the other, not long ago. */
export const verification: Gate = ({ state, nowMs, limits: { maxVerificationAgeMs } }) => {
  const judged: Judged = {
    gate: VERIFICATION_GATE,
    wanted: `rows and checksums of both sides equal, at most ${formatDuration(maxVerificationAgeMs)} ago`,
    remedy: `banyan advance ${state.name} verifies first; differences: banyan verify ${state.name}, then banyan verify ${state.name} --repair --reason "..."`,
  };
  const last = completeCopyOf(state)?.verification ?? null;
  if (last === null) return verdict(judged, 'inconclusive', 'not verified yet');
  const rows = `${number.format(last.rowsSource)} rows in the monolith, ${number.format(last.rowsTarget)} in the service`;
  // Not by the counts: while the monolith is written to, they may differ by rows that are on their way.
  if (last.differences > 0) {
    const examples = last.examples.length > 0 ? ` (${last.examples.join('; ')})` : '';
    return verdict(judged, 'fail', `${rows}, ${number.format(last.differences)} differences${examples}`);
  }
  const ageMs = nowMs - last.finishedAtMs;
  const got = `${rows}, no difference, ${formatDuration(ageMs)} ago`;
  return verdict(judged, ageMs <= maxVerificationAgeMs ? 'pass' : 'inconclusive', got);
};

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
    wanted: 'the service must answer and apply changes',
    remedy: `banyan status shows whether the service of ${state.name} is up; banyan doctor looks for the cause`,
  };
  if (service === null) return verdict(judged, 'inconclusive', 'not asked yet');
  if (!service.reachable) return verdict(judged, 'fail', `no answer: ${service.error}`);
  const ageMs = nowMs - service.atMs;
  if (ageMs > REPORT_FRESH_MS)
    return verdict(judged, 'inconclusive', `last asked ${formatDuration(ageMs)} ago`);
  const { state: consumer, error } = service.report;
  return consumer === 'running'
    ? verdict(judged, 'pass', 'it answers and applies changes')
    : verdict(
        judged,
        'fail',
        `it answers, but the consumer that applies changes is ${consumer}${error ? `: ${error}` : ''}`,
      );
};

/** The slice's tables can be copied: both sides have them, and every mapped value finds a place that can hold it. */
export const sourceTables: Gate = ({ tables, state }) => {
  const judged: Judged = {
    gate: 'source-tables',
    wanted: 'the mapping must fit the tables of both sides',
    remedy: `fix the definition of ${state.name} and restart control and the service, or fix the tables named here`,
  };
  if (tables === null) return verdict(judged, 'inconclusive', 'the database has not been asked yet');
  if (!tables.known) return verdict(judged, 'inconclusive', `could not be checked: ${tables.error}`);
  return tables.problems.length === 0
    ? verdict(judged, 'pass', 'it fits')
    : verdict(judged, 'fail', tables.problems.join('; '));
};

/** The table snapshot is complete and was caught up with. */
export const copyComplete: Gate = ({ state, copyProgress }) => {
  const judged: Judged = {
    gate: 'copy-complete',
    wanted: 'every table needs a complete table snapshot',
    remedy: 'wait, and watch its progress: banyan status --watch',
  };
  const copy = copyOf(state);
  if (copy === null) return verdict(judged, 'fail', 'the copy has not been started');
  if (copy.step === 'complete') return verdict(judged, 'pass', 'complete');
  return verdict(judged, 'fail', copyProgress ?? `the copy is ${copy.step}`);
};

/** The copy is of the feed that streams now: nothing can have been lost between. */
export const feedContinuous: Gate = ({ feed, state, nowMs }) => {
  const judged: Judged = {
    gate: 'feed-continuous',
    wanted: 'changes must come from the feed that the copy was made with',
    remedy: `the copy restarts by itself from a new table snapshot: banyan status --watch shows its progress, banyan journal ${state.name} the reason`,
  };
  if (feed === null)
    return verdict(
      judged,
      'inconclusive',
      'unknown: there is no table snapshot, or it has not been checked yet',
    );
  if (feed.broken !== null) return verdict(judged, 'fail', feed.broken);
  const ageMs = feed.knownAtMs === null ? null : nowMs - feed.knownAtMs;
  return ageMs !== null && ageMs <= FEED_LOOK_MAX_AGE_MS
    ? verdict(judged, 'pass', 'the same feed')
    : verdict(judged, 'inconclusive', `unknown: ${feed.error ?? 'not checked lately'}`);
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
    wanted: `limit ${formatDuration(CAUGHT_UP_MAX_AGE_MS)}`,
    remedy:
      'banyan status shows whether the feed runs and whether records are in quarantine; banyan doctor looks for the cause',
  };
  const ageMs = startedAtMs === null ? null : nowMs - startedAtMs;
  const last = ageMs === null ? 'not confirmed yet' : `last confirmed ${formatDuration(ageMs)} ago`;
  if (!isInDoubt && ageMs !== null && ageMs <= CAUGHT_UP_MAX_AGE_MS) return verdict(judged, 'pass', last);
  return error === null
    ? verdict(judged, 'inconclusive', last)
    : verdict(judged, 'fail', `${last}; since then: ${error}`);
}

function judgeLag({ service, nowMs, limits: { maxLagMs } }: Evidence, of: 'p50' | 'p99'): GateResult {
  const judged: Judged = {
    gate: 'lag',
    wanted: `limit ${formatDuration(maxLagMs)}`,
    remedy: 'wait until the service has caught up: banyan status --watch',
  };
  const report = freshReport(service, nowMs);
  if (!report) return verdict(judged, 'inconclusive', 'unknown: the service has not reported lately');
  if (!report.lag || report.lag.samples === 0) {
    return verdict(judged, 'inconclusive', 'unknown: no change was applied in the last minute');
  }
  const lagMs = of === 'p50' ? report.lag.p50Ms : report.lag.p99Ms;
  const most = of === 'p50' ? 'half' : '99 %';
  const got = `${formatDuration(lagMs)} for ${most} of the ${number.format(report.lag.samples)} changes of the last minute`;
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
    wanted: `limit ${formatDuration(maxHeartbeatAgeMs)}`,
    remedy:
      'banyan status shows whether the feed runs and the service answers; banyan doctor looks for the cause',
  };
  const ageMs = heartbeatAgeMs(service, nowMs);
  if (ageMs === null) return verdict(judged, 'inconclusive', 'unknown: no heartbeat has arrived yet');
  return verdict(judged, ageMs <= maxHeartbeatAgeMs ? 'pass' : 'fail', `${formatDuration(ageMs)} old`);
};

const NAMED_KEYS = 5;

/** `: public.reviews [17] [18], public.products [3] ...`; empty when no keys are known. */
function quarantinedNames(tables: SyncReport['tables']): string {
  const parts = tables.flatMap(({ source, heldKeys = [] }) => {
    if (heldKeys.length === 0) return [];
    const keys = heldKeys.slice(0, NAMED_KEYS).map((key) => `[${key.join(', ')}]`);
    return [`${source} ${keys.join(' ')}${heldKeys.length > NAMED_KEYS ? ' ...' : ''}`];
  });
  return parts.length === 0 ? '' : `: ${parts.join(', ')}`;
}

/** The command that replaces records without a readable key: after a key's column was renamed, for instance. */
export function namelessRemedy(slice: string): string {
  return `banyan resync ${slice} --reason "records of no readable key"`;
}

/** No record is in quarantine. */
export const quarantine: Gate = ({ service, nowMs, state }) => {
  const judged: Judged = {
    gate: 'quarantine',
    wanted: 'must be empty',
    remedy: `banyan quarantine list ${state.name}`,
  };
  const records = quarantinedOf(service, nowMs);
  if (records === null)
    return verdict(judged, 'inconclusive', 'unknown: the service has not reported lately');
  const tables = freshReport(service, nowMs)?.tables ?? [];
  const noun = records === 1 ? 'record' : 'records';
  const got = records === 0 ? 'empty' : `${number.format(records)} ${noun}${quarantinedNames(tables)}`;
  // Of no row that could be named: nothing but a new table snapshot makes up for them.
  const isNameless = tables.every(({ quarantined, heldKeys }) => quarantined === 0 || heldKeys?.length === 0);
  const remedy = isNameless ? namelessRemedy(state.name) : judged.remedy;
  return verdict({ ...judged, remedy }, records === 0 ? 'pass' : 'fail', got);
};

/** Name of the one gate that a step forward can satisfy by itself, by verifying. */
export const VERIFICATION_GATE = 'verification';

/** Every row of one side was found equal on the other, not long ago. */
export const verification: Gate = ({ state, nowMs, limits: { maxVerificationAgeMs } }) => {
  const judged: Judged = {
    gate: VERIFICATION_GATE,
    wanted: `both sides must have been equal within the last ${formatDuration(maxVerificationAgeMs)}`,
    remedy: `banyan advance ${state.name} verifies first; banyan verify ${state.name} shows differences, and banyan verify ${state.name} --repair --reason "..." repairs them`,
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

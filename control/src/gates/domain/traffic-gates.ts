import { formatDuration, type GateResult } from '@banyan/contracts';
import type { SideCounts } from '../../routes/domain/traffic-window.ts';
import type { Evidence } from './evidence.ts';

/** Answers of the service in a minute, below which nothing can be said of it. */
const LEAST_REQUESTS = 20;
/** A service may take so long, however quick the monolith is, milliseconds. */
const ALWAYS_QUICK_MS = 50;

const percent = (share: number): string => `${Math.round(share * 1_000) / 10} %`;
const shareOf = ({ requests, errors }: SideCounts): number => (requests === 0 ? 0 : errors / requests);

/** What the service answered, when it is enough to judge by; otherwise why it is not. */
function answered({ traffic }: Evidence): SideCounts | string {
  if (traffic === null) return 'no proxy has reported lately';
  const { service } = traffic;
  return service.requests >= LEAST_REQUESTS
    ? service
    : `only ${service.requests} answers from the service in the last minute; ${LEAST_REQUESTS} are needed to judge it`;
}

/** The service fails hardly more often than the monolith. */
export function errors(evidence: Evidence): GateResult {
  const { maxErrorShare } = evidence.limits;
  const monolithShare = evidence.traffic === null ? 0 : shareOf(evidence.traffic.monolith);
  const most = monolithShare + maxErrorShare;
  const gate = 'errors';
  const wanted = `limit ${percent(most)}; the monolith's: ${percent(monolithShare)}`;
  const service = answered(evidence);
  if (typeof service === 'string') return unknown(gate, wanted, service);
  const got = `${percent(shareOf(service))} of ${service.requests} answers failed in the last minute`;
  if (shareOf(service) <= most) return { gate, verdict: 'pass', wanted, got, remedy: null };
  return {
    gate,
    verdict: 'fail',
    wanted,
    got,
    remedy: `look at the service's log: ${evidence.state.name}.log`,
  };
}

/** The service answers hardly slower than the monolith. */
export function latency(evidence: Evidence): GateResult {
  const monolithMs = evidence.traffic?.monolith.p95Ms ?? null;
  const mostMs = Math.max(ALWAYS_QUICK_MS, (monolithMs ?? 0) * evidence.limits.maxSlowdown);
  const gate = 'latency';
  const wanted = `limit ${formatDuration(mostMs)}`;
  const service = answered(evidence);
  if (typeof service === 'string') return unknown(gate, wanted, service);
  if (service.p95Ms === null || monolithMs === null) {
    return unknown(gate, wanted, 'one side has answered nothing lately, so there is nothing to compare');
  }
  const got = `${formatDuration(service.p95Ms)} for 95 % of the service's answers, ${formatDuration(monolithMs)} for the monolith's`;
  const isGood = service.p95Ms <= mostMs;
  const remedy = isGood ? null : 'find out what the service waits for, or give it more resources';
  return { gate, verdict: isGood ? 'pass' : 'fail', wanted, got, remedy };
}

function unknown(gate: string, wanted: string, got: string): GateResult {
  return { gate, verdict: 'inconclusive', wanted, got, remedy: 'wait for visitors: banyan status --watch' };
}

/** While it serves nothing has to be shown anew: only what speaks against it counts, so that a quiet night is no alarm. */
export function whileServing(gate: (evidence: Evidence) => GateResult): (evidence: Evidence) => GateResult {
  return (evidence) => {
    const result = gate(evidence);
    return result.verdict === 'inconclusive' ? { ...result, verdict: 'pass', remedy: null } : result;
  };
}

import type { GateResult } from '@banyan/contracts';
import type { Evidence } from './evidence.ts';
import {
  caughtUp,
  copyComplete,
  feedContinuous,
  heartbeat,
  lag,
  lastingCaughtUp,
  lastingLag,
  quarantine,
  serviceReachable,
  sourceTables,
  verification,
  VERIFICATION_GATE,
  type Gate,
} from './gates.ts';
import { errors, latency, whileServing as whileServed } from './traffic-gates.ts';

/** Gates before a copy is begun. */
const toSyncing: readonly Gate[] = [serviceReachable, sourceTables];

/** Gates before any read moves, and before more do. */
const toCanary: readonly Gate[] = [
  copyComplete,
  feedContinuous,
  serviceReachable,
  caughtUp,
  lag,
  heartbeat,
  quarantine,
  verification,
];

/** What is judged by less strictness once reads are with the service. */
const lasting: ReadonlyMap<Gate, Gate> = new Map([
  [lag, lastingLag],
  [caughtUp, lastingCaughtUp],
]);

/** Gates for as long as reads are with the service. */
const whileServing: readonly Gate[] = toCanary.map((gate) => lasting.get(gate) ?? gate);

/** Of a slice that copies nothing: before its first share nobody has asked the service, and nothing is known of it. */
const toFirstShare: readonly Gate[] = [serviceReachable];
const toNextShare: readonly Gate[] = [serviceReachable, errors, latency];
const withoutTablesServing: readonly Gate[] = [serviceReachable, whileServed(errors), whileServed(latency)];

/** The verdicts that keep the reads with the service. */
export function evaluateServing(evidence: Evidence): readonly GateResult[] {
  return (evidence.hasTables ? whileServing : withoutTablesServing).map((gate) => gate(evidence));
}

/** The verdicts that the next step forward from this slice's phase depends on. */
export function evaluateGates(evidence: Evidence): readonly GateResult[] {
  const isFirst = evidence.state.phase === 'monolith';
  const gates = evidence.hasTables ? (isFirst ? toSyncing : toCanary) : isFirst ? toFirstShare : toNextShare;
  return gates.map((gate) => gate(evidence));
}

/** True when a step forward would be refused. A verification that is only missing or old is made by the step itself. */
export function isHeldUp(gates: readonly GateResult[]): boolean {
  return gates.some(
    ({ gate, verdict }) => verdict === 'fail' || (verdict === 'inconclusive' && gate !== VERIFICATION_GATE),
  );
}

/** True when every gate passes. No gate at all is not a pass. */
export function allPass(gates: readonly GateResult[]): boolean {
  return gates.length > 0 && gates.every((gate) => gate.verdict === 'pass');
}

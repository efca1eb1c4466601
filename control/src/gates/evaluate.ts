import type { GateResult } from '@banyan/contracts';
import type { Evidence } from './evidence.ts';
import {
  caughtUp,
  copyComplete,
  feedContinuous,
  heartbeat,
  lag,
  lastingLag,
  quarantine,
  serviceReachable,
  sourceTables,
  tablesNotShared,
  verification,
  VERIFICATION_GATE,
  type Gate,
} from './gates.ts';

/** Gates before a copy is begun. */
const toSyncing: readonly Gate[] = [serviceReachable, sourceTables, tablesNotShared];

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

/** Gates for as long as reads are with the service. */
const whileServing: readonly Gate[] = toCanary.map((gate) => (gate === lag ? lastingLag : gate));

/** The verdicts that keep the reads with the service. */
export function evaluateServing(evidence: Evidence): readonly GateResult[] {
  return whileServing.map((gate) => gate(evidence));
}

/** The verdicts that the next step forward from this slice's phase depends on. */
export function evaluateGates(evidence: Evidence): readonly GateResult[] {
  const gates = evidence.state.phase === 'monolith' ? toSyncing : toCanary;
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

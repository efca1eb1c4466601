import type { SoakResult } from './soak-result.ts';

const seconds = (ms: number): string => `${(ms / 1_000).toFixed(1)} s`;
const count = (value: number): string => value.toLocaleString('en-US');

/** A soak's figures for people. */
export function soakText(result: SoakResult): string {
  const { kills, writer, customers, lag, verification, givenUp, faults } = result;
  const gates = Object.entries(givenUp.gates)
    .map(([gate, times]) => `${gate} ${times}`)
    .join(', ');
  return [
    `${result.minutes} minutes, seed ${result.seed}, stack ${result.stack}${result.pairs ? ', kills in pairs' : ''}`,
    '',
    'killed      times   ready again: median / max   caught up: median / max',
    ...kills.map(
      ({ kind, kills: times, readyMs, caughtUpMs }) =>
        `${kind.padEnd(10)} ${String(times).padStart(6)}   ` +
        `${`${seconds(readyMs.median)} / ${seconds(readyMs.max)}`.padStart(26)}   ` +
        `${seconds(caughtUpMs.median)} / ${seconds(caughtUpMs.max)}`.padStart(23),
    ),
    '',
    `writes acknowledged     ${count(writer.transactions)} transactions, ${count(writer.changes)} changes`,
    `without an answer       ${count(writer.unanswered)} (settled as they were found), ${count(writer.rolledBack)} rolled back`,
    `events applied          ${count(result.eventsApplied)}`,
    `lag outside of kills    ${lag ? `p50 ${lag.p50Ms} ms, p99 ${lag.p99Ms} ms (${count(lag.samples)} samples)` : 'no sample'}`,
    `customers               ${count(customers.requests)} requests, ${count(customers.errorsInOutages)} errors in outages of ` +
      `proxy or PostgreSQL, ${count(customers.errorsOutside)} outside, ${count(customers.staleReads)} stale reads`,
    `reads taken back        ${count(givenUp.byGates)} times by gates${gates === '' ? '' : `: ${gates}`}`,
    `verification            ${
      verification
        ? `${count(verification.rowsSource)} rows against ${count(verification.rowsTarget)}, ${count(verification.differences)} differences`
        : 'none'
    }`,
    `acknowledged writes     ${count(result.inSource.count)} wrong in the monolith's database, ${count(result.inService.count)} wrong in the service's store`,
    '',
    faults.length === 0 ? 'PASSED' : `FAILED\n${faults.map((fault) => `  - ${fault}`).join('\n')}`,
  ].join('\n');
}

import type { JournalEntry } from '@banyan/contracts';

/**
 * Gates that kills make fail for a while, and that pass again by themselves: rows in quarantine until they are read again,
 * lag, a part that is away. Of a copy that is worth nothing the others tell (`copy-complete`, `feed-continuous`).
 */
const fixedByTime: ReadonlySet<string> = new Set([
  'service-reachable',
  'caught-up',
  'lag',
  'heartbeat',
  'quarantine',
]);

/** How the control plane gave reads or the copy up. */
export interface GivenUp {
  /** How often gates took the reads back, or paused the slice. */
  readonly byGates: number;
  /** The gates that failed then, and how often each did. */
  readonly gates: Readonly<Record<string, number>>;
  /** What no kill is an excuse for: the copy was resynced or called suspect, or another gate failed. In words. */
  readonly unexcused: readonly string[];
}

/** @param entries The journal since the soak began. */
export function givenUpOf(entries: readonly JournalEntry[]): GivenUp {
  const unexcused: string[] = [];
  const gates: Record<string, number> = {};
  const byGate = entries.filter(({ by }) => by === 'gate');
  for (const { verb, reason, evidence } of byGate) {
    // Those that the decision is about; others may have failed just then.
    const failed = evidence.filter(
      ({ gate, verdict }) => verdict !== 'pass' && reason?.includes(`${gate} (`),
    );
    for (const { gate } of failed) gates[gate] = (gates[gate] ?? 0) + 1;
    const isExcused = failed.length > 0 && failed.every(({ gate }) => fixedByTime.has(gate));
    if (!isExcused) unexcused.push(`${verb} by a gate: ${reason ?? 'no reason'}`);
  }
  for (const { verb, reason } of entries) {
    if (verb === 'resync' || verb === 'suspect') unexcused.push(`${verb}: ${reason ?? 'no reason'}`);
  }
  return { byGates: byGate.length, gates, unexcused };
}

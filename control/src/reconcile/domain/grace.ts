import type { GateResult } from '@banyan/contracts';

/** Since when each gate fails, and since when it does not pass. */
export type GateClock = ReadonlyMap<
  string,
  { readonly failingSinceMs: number | null; readonly notPassingSinceMs: number }
>;

/** What a guard of live traffic does about its gates. */
export type GuardVerdict =
  { readonly action: 'none' } | { readonly action: 'rollback' | 'pause'; readonly gates: readonly string[] };

/** Carries the clock of each gate that does not pass on to now; one that passes starts over. */
export function tickGateClock(clock: GateClock, gates: readonly GateResult[], nowMs: number): GateClock {
  const next = new Map<string, { failingSinceMs: number | null; notPassingSinceMs: number }>();
  for (const { gate, verdict } of gates) {
    if (verdict === 'pass') continue;
    const before = clock.get(gate);
    next.set(gate, {
      failingSinceMs: verdict === 'fail' ? (before?.failingSinceMs ?? nowMs) : null,
      notPassingSinceMs: before?.notPassingSinceMs ?? nowMs,
    });
  }
  return next;
}

/**
 * A gate that fails for longer than the grace rolls back; one that does not pass for longer, without failing all
 * that time, pauses for a person.
 *
 * @param graceMs Milliseconds; a shorter trouble is tolerated.
 */
export function judgeGateClock(clock: GateClock, nowMs: number, graceMs: number): GuardVerdict {
  const over = (sinceMs: number | null): boolean => sinceMs !== null && nowMs - sinceMs > graceMs;
  const failing = [...clock].filter(([, since]) => over(since.failingSinceMs)).map(([gate]) => gate);
  if (failing.length > 0) return { action: 'rollback', gates: failing };
  const open = [...clock].filter(([, since]) => over(since.notPassingSinceMs)).map(([gate]) => gate);
  return open.length > 0 ? { action: 'pause', gates: open } : { action: 'none' };
}

import { setTimeout as sleep } from 'node:timers/promises';
import { until, type Stack } from '../../../cli/src/faults/stack.ts';
import { readLastRunState } from '../../../cli/src/supervise/run-state.ts';
import type { Kill } from './figures.ts';
import { killPlan, type KillKind } from './kill-plan.ts';
import type { Probe } from './probe.ts';
import type { Random } from './random.ts';

/** Calm between a kill that was got over and the next one. */
const CALM_MS = { from: 2_000, to: 12_000 } as const;
/** A kill that was not got over in this time ends the soak. */
const RECOVERY_MS = 180_000;

/**
 * Kills one part after another with SIGKILL, each time waiting until the supervisor has it ready again and a write
 * that was acknowledged after the kill is in the service's store.
 *
 * @throws Error when a part does not come back, or the copy does not catch up.
 */
export async function killUntil(options: {
  readonly stack: Stack;
  readonly probe: Probe;
  readonly kinds: readonly KillKind[];
  readonly random: Random;
  readonly deadlineMs: number;
  readonly onKill: (kill: Kill) => void;
  /** Called before each kill, when all is calm. */
  readonly whenCalm: () => Promise<void>;
}): Promise<void> {
  const { stack, probe, kinds, random, deadlineMs, onKill, whenCalm } = options;
  for (const kind of killPlan(kinds, random)) {
    await sleep(random.between(CALM_MS.from, CALM_MS.to));
    if (Date.now() > deadlineMs) return;
    await whenCalm();
    const pid = stack.pid(kind);
    const atMs = Date.now();
    process.kill(pid, 'SIGKILL');
    let readyAtMs = 0;
    await until(
      `${kind} is ready again`,
      () => {
        const found = readLastRunState(stack.home)?.processes.find(({ name }) => name === kind);
        if (found?.state !== 'ready' || found.pid === pid) return false;
        readyAtMs ||= Date.now();
        return true;
      },
      RECOVERY_MS,
    );
    let caughtUpAtMs = 0;
    await until(
      `the copy has caught up after the kill of ${kind}`,
      () => {
        caughtUpAtMs = probe.firstSince(atMs)?.seenAtMs ?? 0;
        return caughtUpAtMs > 0;
      },
      RECOVERY_MS,
    );
    onKill({ kind, atMs, readyAtMs, caughtUpAtMs });
  }
}

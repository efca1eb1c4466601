import { setTimeout as sleep } from 'node:timers/promises';
import { until, type Stack } from '../../../cli/src/faults/stack.ts';
import { readLastRunState } from '../../../cli/src/supervise/run-state.ts';
import type { Kill } from './figures.ts';
import { strikePlan, type KillKind } from './kill-plan.ts';
import type { Probe } from './probe.ts';
import type { Random } from './random.ts';

/** Calm between a kill that was got over and the next one. */
const CALM_MS = { from: 2_000, to: 12_000 } as const;
/** A kill that was not got over in this time ends the soak. */
const RECOVERY_MS = 180_000;

/**
 * Kills one part after another with SIGKILL, or two at a time, and then waits until the supervisor has them ready again and
 * a write that was acknowledged after the kill is in the service's store.
 *
 * @throws Error when a part does not come back, or the copy does not catch up.
 */
export async function killUntil(options: {
  readonly stack: Stack;
  readonly probe: Probe;
  readonly kinds: readonly KillKind[];
  /** Kills two parts within two seconds each time. */
  readonly pairs: boolean;
  readonly random: Random;
  readonly deadlineMs: number;
  readonly onKill: (kill: Kill) => void;
  /** Called before each kill, when all is calm. */
  readonly whenCalm: () => Promise<void>;
}): Promise<void> {
  const { stack, probe, kinds, pairs, random, deadlineMs, onKill, whenCalm } = options;
  for (const planned of strikePlan(kinds, random, { pairs })) {
    await sleep(random.between(CALM_MS.from, CALM_MS.to));
    if (Date.now() > deadlineMs) return;
    await whenCalm();
    const struck: Struck[] = [];
    for (const { kind, afterMs } of planned) {
      await sleep(afterMs);
      struck.push(strike(stack, kind));
    }
    const readyAtMs = await Promise.all(struck.map((each) => untilReady(stack, each)));
    const lastAtMs = Math.max(...struck.map(({ atMs }) => atMs));
    const names = planned.map(({ kind, afterMs }) => (afterMs > 0 ? `${kind} ${afterMs} ms later` : kind));
    let caughtUpAtMs = 0;
    await until(
      `the copy has caught up after the kill of ${names.join(' and ')}`,
      () => {
        caughtUpAtMs = probe.firstSince(lastAtMs)?.seenAtMs ?? 0;
        return caughtUpAtMs > 0;
      },
      RECOVERY_MS,
    );
    for (const [index, { kind, atMs }] of struck.entries()) {
      onKill({ kind, atMs, readyAtMs: readyAtMs[index] ?? 0, caughtUpAtMs });
    }
  }
}

interface Struck {
  readonly kind: KillKind;
  /** Null where the part was not running: the other kill of its pair had taken it along. */
  readonly pid: number | null;
  readonly atMs: number;
}

function strike(stack: Stack, kind: KillKind): Struck {
  const found = readLastRunState(stack.home)?.processes.find(({ name }) => name === kind);
  const pid = found?.pid ?? null;
  const atMs = Date.now();
  try {
    if (pid !== null) process.kill(pid, 'SIGKILL');
  } catch (error) {
    // It has just ended by itself, as the reader does when its server goes.
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
  return { kind, pid, atMs };
}

/** @returns when its supervisor had it ready again, milliseconds since the epoch. */
async function untilReady(stack: Stack, { kind, pid }: Struck): Promise<number> {
  await until(
    `${kind} is ready again`,
    () => {
      const found = readLastRunState(stack.home)?.processes.find(({ name }) => name === kind);
      return found?.state === 'ready' && found.pid !== pid;
    },
    RECOVERY_MS,
  );
  return Date.now();
}

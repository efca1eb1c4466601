/**
 * The reaper's process. Standard input carries lines `+PID SIGNAL` and `-PID`; when it ends, whatever is still
 * listed gets its signal, and after five seconds SIGKILL for its whole group.
 */
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { processStartedAt } from './run-state.ts';

const GRACE_MS = 5_000;
const watched = new Map<number, { signal: NodeJS.Signals; startedAt: string | null }>();

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => undefined);

/** Still the process that we were told of, and not another one with its number. */
function isAlive(pid: number): boolean {
  const startedAt = processStartedAt(pid);
  return startedAt !== null && startedAt === watched.get(pid)?.startedAt;
}

function kill(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // gone already: that is what we want
  }
}

for await (const line of createInterface({ input: process.stdin })) {
  const [, sign, pid, signal] = /^([+-])(\d+)(?: (\w+))?$/.exec(line) ?? [];
  if (sign === '+') {
    watched.set(Number(pid), { signal: signal as NodeJS.Signals, startedAt: processStartedAt(Number(pid)) });
  } else if (sign === '-') {
    watched.delete(Number(pid));
  }
}

const left = (): number[] => [...watched.keys()].filter(isAlive);
for (const pid of left()) kill(pid, watched.get(pid)?.signal ?? 'SIGTERM');
const deadline = Date.now() + GRACE_MS;
while (left().length > 0 && Date.now() < deadline) await sleep(50);
for (const pid of left()) {
  kill(-pid, 'SIGKILL');
  kill(pid, 'SIGKILL');
}

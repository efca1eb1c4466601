/** Processes that a test starts, kills and waits for. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { processEnv } from '@banyan/kit/testing';

export type TestProcess = ChildProcess & {
  /** All that it has written so far. */
  readonly said: () => string;
};

/** Those that run. */
export const processes = new Set<ChildProcess>();

/** Runs a `main.ts` with this environment, `processEnv()`, and nothing else. */
export function startProcess(main: URL, env: Record<string, string>): TestProcess {
  const child = spawn(process.execPath, [main.pathname], {
    env: { ...processEnv(), ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  processes.add(child);
  let said = '';
  child.stdout.on('data', (bytes: Buffer) => (said += bytes.toString()));
  child.stderr.on('data', (bytes: Buffer) => (said += bytes.toString()));
  return Object.assign(child, { said: () => said });
}

/** kill -9; returns when it is gone. */
export async function kill(child: ChildProcess): Promise<void> {
  processes.delete(child);
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  child.kill('SIGKILL');
  await exited;
}

/** What `look` finds, within 30 s unless told; its last error is the cause when there is nothing. */
export async function eventually<T>(
  what: string,
  look: () => Promise<T | null | false>,
  withinMs = 30_000,
): Promise<T> {
  const deadlineMs = performance.now() + withinMs;
  let last: unknown = 'nothing';
  while (performance.now() < deadlineMs) {
    try {
      const found = await look();
      if (found !== null && found !== false) return found;
    } catch (error) {
      last = error;
    }
    await delay(20);
  }
  throw new Error(`${what}: not in time`, { cause: last });
}

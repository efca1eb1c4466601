/** Processes that a test starts, kills and waits for. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';

export type TestProcess = ChildProcess & {
  /** All that it has written so far. */
  readonly said: () => string;
};

/** What a process has of our environment beside a test's own: where programs are, and Node's cache of compiled modules. */
export function processEnv(): NodeJS.ProcessEnv {
  const { PATH, NODE_COMPILE_CACHE } = process.env;
  return { PATH, ...(NODE_COMPILE_CACHE && { NODE_COMPILE_CACHE }) };
}

/** Those that a test has started and not killed. */
const started = new Set<ChildProcess>();

/**
 * Runs a file with this environment, `processEnv()`, and nothing else.
 *
 * @param nodeOptions Node's own, before the file. Default: none.
 */
export function startProcess(
  main: URL | string,
  env: Readonly<Record<string, string>>,
  nodeOptions: readonly string[] = [],
): TestProcess {
  const file = typeof main === 'string' ? main : main.pathname;
  const child = spawn(process.execPath, [...nodeOptions, file], {
    env: { ...processEnv(), ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  started.add(child);
  let said = '';
  child.stdout.on('data', (bytes: Buffer) => (said += bytes.toString()));
  child.stderr.on('data', (bytes: Buffer) => (said += bytes.toString()));
  return Object.assign(child, { said: () => said });
}

/** How it ended, once it has: its exit code, or the name of a signal. */
export async function ended(child: ChildProcess): Promise<number | NodeJS.Signals> {
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
  return child.signalCode ?? child.exitCode ?? 0;
}

/** kill -9; returns when it is gone. */
export async function kill(child: ChildProcess): Promise<void> {
  started.delete(child);
  child.kill('SIGKILL');
  await ended(child);
}

/** kill -9 for all that run still, when a test ends. */
export async function killAll(): Promise<void> {
  for (const child of started) await kill(child);
}

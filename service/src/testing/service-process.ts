import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { processEnv } from '@banyan/kit/testing';

/** Starts a service as a process of its own; what it is told is in `env` alone. @param main its `main.ts` */
export function spawnService(main: URL, env: NodeJS.ProcessEnv): ChildProcess {
  return spawn(process.execPath, ['--disable-warning=ExperimentalWarning', fileURLToPath(main)], {
    env: { ...processEnv(), ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}

/** Waits for the line that tells the service's port. @throws Error that tells what it said, when it does not start */
export async function urlOf(child: ChildProcess): Promise<string> {
  if (!child.stdout || !child.stderr) throw new Error('no output to read');
  let complaint = '';
  child.stderr.on('data', (chunk: Buffer) => (complaint += chunk.toString()));
  for await (const line of createInterface({ input: child.stdout })) {
    const entry = JSON.parse(line) as { port?: number };
    if (entry.port !== undefined) {
      child.stdout.resume(); // a full pipe would stop it
      return `http://127.0.0.1:${entry.port}`;
    }
  }
  throw new Error(`The service did not start: ${complaint}`);
}

/** What a process that does not start says. */
export async function failureOf(
  child: ChildProcess,
): Promise<{ readonly code: number | null; readonly complaint: string; readonly said: string }> {
  let complaint = '';
  let said = '';
  child.stderr?.on('data', (chunk: Buffer) => (complaint += chunk.toString()));
  child.stdout?.on('data', (chunk: Buffer) => (said += chunk.toString()));
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, complaint, said: said + complaint };
}

/** Ends it, if it has not ended yet. @returns its exit code; null when a signal ended it. */
export async function stopService(child: ChildProcess, signal: NodeJS.Signals): Promise<number | null> {
  if (child.exitCode !== null || child.signalCode !== null) return child.exitCode;
  const exit = once(child, 'exit') as Promise<[number | null]>;
  child.kill(signal);
  return (await exit)[0];
}

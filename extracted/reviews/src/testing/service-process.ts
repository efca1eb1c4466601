import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { ReviewsConfig } from '../config.ts';

const MAIN = fileURLToPath(new URL('../main.ts', import.meta.url));

/** Starts the service as a process of its own; what it is told is in `env` alone. */
export function spawnService(env: NodeJS.ProcessEnv): ChildProcess {
  return spawn(process.execPath, [MAIN], {
    env: { PATH: process.env['PATH'], ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}

/** The settings as environment variables, on a free port. */
export function environmentOf(settings: ReviewsConfig): NodeJS.ProcessEnv {
  return {
    PORT: '0',
    STORE_FILE: settings.storeFile,
    BUS_FILE: settings.busFile,
    PEER_TOKEN: settings.peerToken,
    IDENTITY_PUBLIC_KEY: settings.identityPublicKey,
    ...(settings.refuseReadsAfterMs === undefined
      ? {}
      : { REFUSE_READS_AFTER_MS: String(settings.refuseReadsAfterMs) }),
  };
}

/** Waits for the line that tells the service's port. */
export async function urlOf(child: ChildProcess): Promise<string> {
  if (!child.stdout) throw new Error('no standard output');
  for await (const line of createInterface({ input: child.stdout })) {
    const entry = JSON.parse(line) as { port?: number };
    if (entry.port !== undefined) {
      child.stdout.resume(); // a full pipe would stop it
      return `http://127.0.0.1:${entry.port}`;
    }
  }
  throw new Error('The service did not start.');
}

/** Ends it, if it has not ended yet. @returns its exit code; null when a signal ended it. */
export async function stopService(child: ChildProcess, signal: NodeJS.Signals): Promise<number | null> {
  if (child.exitCode !== null || child.signalCode !== null) return child.exitCode;
  const exit = once(child, 'exit') as Promise<[number | null]>;
  child.kill(signal);
  return (await exit)[0];
}

import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { z } from 'zod';
import type { FullEnvironment } from './environment.ts';

/** Time for everything to come up, a first start's unpacking included. */
const START_TIMEOUT_MS = 180_000;
/** Time to stop in order before the process is killed. */
const STOP_TIMEOUT_MS = 30_000;
const LINES_KEPT = 40;

const readySchema = z.looseObject({
  event: z.literal('ready'),
  shopUrl: z.url(),
  monolithUrl: z.url(),
});

export interface RunningStack {
  readonly environment: FullEnvironment;
  /** Stops all of it. Idempotent. */
  close(): Promise<void>;
}

export interface StackOptions {
  /** The command `banyan` as words. */
  readonly banyan: readonly string[];
  /** Where these words mean something. */
  readonly cwd: string;
  /** State folder; kept afterwards. */
  readonly home: string;
}

/** Keeps the last lines of all that it prints, for the message when it fails. */
function collectLines(child: ChildProcess): () => string {
  const lines: string[] = [];
  for (const input of [child.stdout, child.stderr]) {
    if (!input) continue;
    createInterface({ input }).on('line', (line) => {
      lines.push(line);
      if (lines.length > LINES_KEPT) lines.shift();
    });
  }
  return () => lines.join('\n');
}

/** The `ready` event among the lines of standard output; other lines are not ours. */
async function waitUntilReady(
  child: ChildProcess,
  printed: () => string,
): Promise<z.output<typeof readySchema>> {
  const { promise, resolve, reject } = Promise.withResolvers<z.output<typeof readySchema>>();
  const late = setTimeout(
    () => reject(new Error(`not ready after ${START_TIMEOUT_MS / 1000} s`)),
    START_TIMEOUT_MS,
  );
  child.once('error', reject);
  child.once('exit', (code) => reject(new Error(`banyan up ended with ${String(code)}:\n${printed()}`)));
  if (child.stdout) {
    createInterface({ input: child.stdout }).on('line', (line) => {
      if (!line.startsWith('{')) return;
      const ready = readySchema.safeParse(JSON.parse(line));
      if (ready.success) resolve(ready.data);
    });
  }
  try {
    return await promise;
  } finally {
    clearTimeout(late);
  }
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  child.kill('SIGTERM');
  const late = setTimeout(() => child.kill('SIGKILL'), STOP_TIMEOUT_MS);
  await ended;
  clearTimeout(late);
}

/** Runs `banyan up` in a state folder of its own, without customers: nobody else changes what is compared. */
export async function startStack({ banyan, cwd, home }: StackOptions): Promise<RunningStack> {
  const [command = '', ...args] = banyan;
  const child = spawn(command, [...args, 'up', '--json', '--customers', '0'], {
    cwd,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, BANYAN_HOME: home },
  });
  try {
    const { shopUrl: proxyUrl, monolithUrl } = await waitUntilReady(child, collectLines(child));
    const environment = { monolithUrl, proxyUrl, banyan, home };
    return { environment, close: () => stop(child) };
  } catch (cause) {
    await stop(child);
    throw cause;
  }
}

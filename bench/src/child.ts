import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

/** A process of the benchmark. */
export interface Child {
  /** What it said when it was ready, e.g. `{ kind: 'ready', url: 'http://127.0.0.1:4001' }`. */
  readonly ready: unknown;
  readonly pid: number;
  /** Sends a message and gives the next one that comes back. @throws Error when the process ends instead. */
  ask(message: object): Promise<unknown>;
  /** Ends it. Idempotent. */
  close(): Promise<void>;
}

async function nextMessage(child: ChildProcess, file: string): Promise<unknown> {
  const heard = new AbortController();
  const { signal } = heard;
  try {
    return await Promise.race([
      once(child, 'message', { signal }).then(([message]: unknown[]) => message),
      once(child, 'exit', { signal }).then(([code]: unknown[]) => {
        throw new Error(`${file} ended with ${String(code)}`);
      }),
    ]);
  } finally {
    heard.abort();
  }
}

/**
 * Starts a TypeScript file as a process, and waits for its first message over IPC.
 *
 * @param file Relative to this folder.
 */
export async function startChild(file: string, env: Record<string, string> = {}): Promise<Child> {
  const child = fork(fileURLToPath(new URL(file, import.meta.url)), {
    env: { PATH: process.env['PATH'], ...env },
    execArgv: [],
  });
  const ready = await nextMessage(child, file);
  return {
    ready,
    pid: child.pid ?? -1,
    ask(message) {
      const answer = nextMessage(child, file);
      child.send(message);
      return answer;
    },
    async close() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      child.kill('SIGKILL');
      await once(child, 'exit');
    },
  };
}

import { spawn, type ChildProcess } from 'node:child_process';
import { join } from 'node:path';

const RETRY_MS = 1_000;

/**
 * Ends everything that the supervisor started when the supervisor itself is killed (kill -9 included). A process
 * of its own, which holds the other end of a pipe: the kernel closes the pipe whatever happens to the supervisor.
 */
export class Reaper {
  readonly #watched = new Map<number, string>();
  #child: ChildProcess | null = null;
  #closed = false;

  constructor() {
    this.#spawn();
  }

  watch(pid: number, stopSignal: 'SIGTERM' | 'SIGINT'): void {
    this.#watched.set(pid, stopSignal);
    this.#tell(`+${pid} ${stopSignal}`);
  }

  forget(pid: number): void {
    this.#watched.delete(pid);
    this.#tell(`-${pid}`);
  }

  /** Call when all processes have ended: the reaper finds nothing to do and ends too. */
  close(): void {
    this.#closed = true;
    this.#child?.stdin?.end();
  }

  #tell(line: string): void {
    this.#child?.stdin?.write(`${line}\n`);
  }

  #spawn(): void {
    const child = spawn(process.execPath, [join(import.meta.dirname, 'reaper-main.ts')], {
      detached: true,
      stdio: ['pipe', 'ignore', 'ignore'],
    });
    child.stdin.on('error', () => undefined); // a killed reaper; its exit below starts another
    const again = (): void => {
      if (!this.#closed && this.#child === child) this.#spawn();
    };
    child.once('exit', again);
    // No process to be had at the moment: the shop runs on, and it is tried again.
    child.once('error', () => setTimeout(again, RETRY_MS).unref());
    child.unref();
    this.#child = child;
    for (const [pid, signal] of this.#watched) this.#tell(`+${pid} ${signal}`);
  }
}

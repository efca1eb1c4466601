import { spawn, type ChildProcess } from 'node:child_process';

/**
 * Ends a process when ours ends, killed or not: its guard reads from a pipe that we hold. In a session of its own, so
 * that Ctrl-C at a terminal does not end the guard first.
 *
 * @param signal Name that `kill` knows, e.g. `QUIT`.
 */
export function endWithUs(child: ChildProcess, signal: string): void {
  if (child.pid === undefined) return; // it could not be started
  const guard = spawn('sh', ['-c', `read -r _; kill -${signal} "$0"`, String(child.pid)], {
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  guard.stdin.on('error', () => undefined); // it was ended with its process
  guard.unref();
  child.once('exit', () => guard.kill('SIGKILL'));
}

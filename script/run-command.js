import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The checkout. By URL, since `import.meta.dirname` is younger than Node 20.0. */
export const root = fileURLToPath(new URL('..', import.meta.url)).replace(/[\\/]$/, '');

/** The Node that the project pins, from its npm package. */
export const pinnedNode = join(
  root,
  'node_modules',
  'node',
  'bin',
  process.platform === 'win32' ? 'node.exe' : 'node',
);

/** Where Node keeps what it compiled, for the processes of tests: each of hundreds starts with half the work. */
export const compileCache = join(root, 'node_modules', '.cache', 'banyan', 'compiled');

/**
 * Runs a command to its end; resolves with its exit code.
 * @param {{ env?: NodeJS.ProcessEnv, cwd?: string, stdio?: import('node:child_process').StdioOptions }} options Default: our
 *   variables, the checkout, our input and output.
 */
export function run(command, args, { env = process.env, cwd = root, stdio = 'inherit' } = {}) {
  return new Promise((done, fail) => {
    const child = spawn(command, args, { cwd, stdio, env });
    // Passed on, and then the child's orderly end is waited for.
    const passOn = (signal) => child.kill(signal);
    process.on('SIGINT', passOn).on('SIGTERM', passOn);
    const release = () => process.off('SIGINT', passOn).off('SIGTERM', passOn);
    child.once('error', (error) => {
      release();
      fail(error);
    });
    child.once('exit', (code, signal) => {
      release();
      done(code ?? (signal === 'SIGINT' ? 130 : 1));
    });
  });
}

import { projectRoot } from '../home.ts';
import type { ProcessSpec } from './process-spec.ts';

/** Of our own Node's warnings, none that a user could do anything about. */
export const QUIET = '--disable-warning=ExperimentalWarning';

/** Those of our own variables that are set. */
export function inherited(names: readonly string[], env = process.env): Record<string, string> {
  return Object.fromEntries(
    names.flatMap((name) => {
      const value = env[name];
      return value === undefined ? [] : [[name, value]];
    }),
  );
}

/** What every process may see of our own environment; settings of others stay with us. */
export function baseEnv(): Record<string, string> {
  return inherited([
    ...['PATH', 'HOME', 'TMPDIR', 'LANG', 'TZ', 'LOG_LEVEL', 'BANYAN_BROWSER'],
    'NODE_COMPILE_CACHE', // Node's own: starts a process in half the time
  ]);
}

type NodeSpec = Pick<
  ProcessSpec,
  'name' | 'round' | 'env' | 'ready' | 'health' | 'restartAfterMs' | 'url' | 'onLine'
> & {
  /** Absolute path of the module to run. */
  readonly main: string;
  readonly args?: readonly string[];
};

/** A Node process of Banyan's, or built with its kit: it listens to us, and ends when we do. */
export function nodeSpec({ main, args = [], env, ...rest }: NodeSpec): ProcessSpec {
  return {
    ...rest,
    command: process.execPath,
    args: [QUIET, main, ...args],
    cwd: projectRoot,
    stopSignal: 'SIGTERM',
    ipc: true,
    env: { ...baseEnv(), ...env },
  };
}

import { existsSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';

/** Root of the checkout that this file belongs to. */
export const projectRoot = resolve(import.meta.dirname, '..', '..');

const CONFIG_NAMES = ['banyan.config.ts', 'banyan.config.js', 'banyan.config.mjs'];
/** The checkout's own declaration: the sample. */
export const sampleConfigFile = join(projectRoot, 'banyan.config.ts');

/** The nearest configuration, from a folder upwards; null when there is none. */
function nearestConfig(from: string): string | null {
  for (let dir = resolve(from); ; dir = dirname(dir)) {
    const file = CONFIG_NAMES.map((name) => join(dir, name)).find((each) => existsSync(each));
    if (file !== undefined) return file;
    if (dirname(dir) === dir) return null;
  }
}

/**
 * The declaration of this installation: the file that `BANYAN_CONFIG` names, else the nearest `banyan.config.ts` from the
 * current folder upwards, else the checkout's own, which is the sample's.
 */
export function configFile(env: NodeJS.ProcessEnv = process.env, cwd = process.cwd()): string {
  return env['BANYAN_CONFIG'] ? resolve(cwd, env['BANYAN_CONFIG']) : (nearestConfig(cwd) ?? sampleConfigFile);
}

/** Everything that one running Banyan keeps on disk. Two installations have two homes, and so do not meet. */
export interface Home {
  readonly dir: string;
  readonly secretsDir: string;
  readonly logsDir: string;
  /** What runs now: written by the supervisor, read by every other command. */
  readonly runFile: string;
  readonly portsFile: string;
  /** Last totals of the built-in customers. */
  readonly customersFile: string;
  secret(name: string): string;
  file(name: string): string;
}

/**
 * The state folder: `BANYAN_HOME`, else `.banyan/` beside the user's configuration, or in the current folder when he has none.
 */
export function openHome(env: NodeJS.ProcessEnv = process.env, cwd = process.cwd()): Home {
  const dir = env['BANYAN_HOME'] ? resolve(cwd, env['BANYAN_HOME']) : join(folderOf(env, cwd), '.banyan');
  const file = (name: string): string => join(dir, name);
  return {
    dir,
    secretsDir: file('secrets'),
    logsDir: file('logs'),
    runFile: file('run.json'),
    portsFile: file('ports.json'),
    customersFile: file('customers.json'),
    secret: (name) => join(dir, 'secrets', name),
    file,
  };
}

function folderOf(env: NodeJS.ProcessEnv, cwd: string): string {
  if (env['BANYAN_CONFIG']) return dirname(resolve(cwd, env['BANYAN_CONFIG']));
  const nearest = nearestConfig(cwd);
  return nearest === null ? cwd : dirname(nearest);
}

import { join, resolve } from 'node:path';

/** Root of the checkout that this file belongs to. */
export const projectRoot = resolve(import.meta.dirname, '..', '..');

/** Everything that one running Banyan keeps on disk. Two checkouts have two homes, and so do not meet. */
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

/** The state folder: `BANYAN_HOME`, else `.banyan/` in the checkout. */
export function openHome(env: NodeJS.ProcessEnv = process.env): Home {
  const dir = resolve(env['BANYAN_HOME'] ?? join(projectRoot, '.banyan'));
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

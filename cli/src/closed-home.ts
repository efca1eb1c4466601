import { existsSync, statSync } from 'node:fs';
import type { Home } from './home.ts';
import { CommandError } from './output/command-error.ts';

/** Anything that a folder's group or others may do. */
const OPEN = 0o077;
/** Passing through to a name that is known already, which PostgreSQL's account has to when we are root. */
const SEARCH_BY_ALL = 0o011;

/**
 * The state folder holds customers' rows, passwords and tokens. One that others can look into is not used, since what
 * they may have read already is a person's to judge.
 *
 * @throws CommandError `home-open` with the command that closes it.
 */
export function refuseOpenHome({ dir }: Home): void {
  if (process.platform === 'win32' || !existsSync(dir)) return;
  const { mode } = statSync(dir);
  const open = process.getuid?.() === 0 ? OPEN & ~SEARCH_BY_ALL : OPEN;
  if ((mode & open) === 0) return;
  throw new CommandError({
    code: 'home-open',
    message: `The state folder ${dir} is open to other accounts of this machine.`,
    evidence: [
      `wanted mode 700, got ${(mode & 0o777).toString(8)}`,
      'It holds rows of customers, passwords and tokens. If others could have read them, begin with new ones.',
    ],
    nextSteps: [`chmod 700 ${quoted(dir)}`],
    exitCode: 3,
  });
}

/** As a shell takes it. */
function quoted(path: string): string {
  return /^[\w./-]+$/.test(path) ? path : `'${path.replaceAll("'", "'\\''")}'`;
}

import { accessSync, constants, cpSync, existsSync, mkdirSync, readFileSync, statSync } from 'node:fs';
import { createHash } from 'node:crypto';
import { dirname, join, resolve } from 'node:path';

/** The account that PostgreSQL runs as when we are root, which it refuses to be. */
export interface UnprivilegedUser {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
}

/**
 * The account to run PostgreSQL as, or null when we are not root and can run it ourselves.
 *
 * @throws Error when root finds neither `postgres` nor `nobody` in /etc/passwd.
 */
export function findUnprivilegedUser(): UnprivilegedUser | null {
  if (process.getuid?.() !== 0) return null;
  const accounts = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .map((line) => line.split(':'));
  for (const wanted of ['postgres', 'nobody']) {
    const account = accounts.find(([name]) => name === wanted);
    if (account) return { name: wanted, uid: Number(account[2]), gid: Number(account[3]) };
  }
  throw new Error(
    'PostgreSQL refuses to run as root, and /etc/passwd has neither "postgres" nor "nobody" to run it as. ' +
      'Start Banyan as another user, or set DATABASE_URL to a running PostgreSQL.',
  );
}

/** True when every folder above `path` (and `path` itself) may be entered by any account. */
function isOpenToOthers(path: string): boolean {
  for (let folder = resolve(path); ; folder = dirname(folder)) {
    if (existsSync(folder) && (statSync(folder).mode & constants.S_IXOTH) === 0) return false;
    if (folder === dirname(folder)) return true;
  }
}

/**
 * A place for `path` that `user` can reach: the path itself, or, where a folder above it is closed to other
 * accounts (a checkout under a home of mode 700), one below /var/tmp that stays the same from run to run.
 */
export function reachablePath(path: string, user: UnprivilegedUser | null): string {
  if (user === null || isOpenToOthers(dirname(resolve(path)))) return resolve(path);
  const name = createHash('sha256').update(resolve(path)).digest('hex').slice(0, 16);
  return join('/var/tmp', `banyan-${name}`);
}

/** The folder of PostgreSQL's binaries, copied to a place that `user` can reach if it must be. */
export function reachableBinaries(nativeDir: string, user: UnprivilegedUser | null): string {
  const place = reachablePath(join(nativeDir, 'bin'), user);
  if (place === resolve(nativeDir, 'bin')) return nativeDir;
  const copy = `${place}-native`;
  if (!existsSync(join(copy, 'bin', 'postgres'))) {
    mkdirSync(copy, { recursive: true, mode: 0o755 });
    cpSync(nativeDir, copy, { recursive: true, verbatimSymlinks: true });
  }
  accessSync(join(copy, 'bin', 'postgres'), constants.X_OK);
  return copy;
}

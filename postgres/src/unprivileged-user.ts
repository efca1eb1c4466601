import { readFileSync } from 'node:fs';

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

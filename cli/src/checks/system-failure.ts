import pg from 'pg';

/** What the system's own words for a failure mean for people. */
const meanings: Readonly<Record<string, string>> = {
  EACCES: 'permission denied',
  EPERM: 'not permitted',
  EROFS: 'the file system is read-only',
  ENOSPC: 'the disk is full',
  EDQUOT: 'the disk quota is used up',
  ENOTDIR: 'a part of the path is no folder',
  ENOENT: 'it does not exist',
  EISDIR: 'it is a folder',
  EMFILE: 'too many open files: raise `ulimit -n`',
  EADDRINUSE: 'another process listens there',
  EADDRNOTAVAIL: 'this machine has no such address',
  ECONNREFUSED: 'nobody listens there',
  ECONNRESET: 'the connection was cut',
  ETIMEDOUT: 'no answer',
  EHOSTUNREACH: 'there is no way to that machine',
  ENETUNREACH: 'there is no way to that network',
  ENOTFOUND: 'no machine has this name',
  EAI_AGAIN: 'the name could not be looked up',
};

interface SystemError {
  readonly code: string;
  readonly path?: string;
  readonly address?: string;
  readonly port?: number;
}

function isSystemError(error: unknown): error is SystemError {
  return (
    typeof error === 'object' &&
    error !== null &&
    'code' in error &&
    typeof error.code === 'string' &&
    error.code in meanings
  );
}

function hasErrors(error: unknown): error is { readonly errors: readonly unknown[] } {
  return typeof error === 'object' && error !== null && 'errors' in error && Array.isArray(error.errors);
}

/**
 * A failure of the system or of a database in words, for people: `/x/y: permission denied (EACCES)`. Null when it is
 * neither, and so a fault of ours.
 */
export function describeSystemFailure(error: unknown): string | null {
  if (error instanceof pg.DatabaseError) {
    return `the database refuses: ${error.message}${error.code ? ` (${error.code})` : ''}`;
  }
  // A machine of several addresses: each failed, and the error itself says nothing.
  const cause: unknown = hasErrors(error) ? error.errors[0] : error;
  if (!isSystemError(cause)) return null;
  const { code, path, address, port } = cause;
  const where = path ?? (address === undefined ? null : `${address}${port === undefined ? '' : `:${port}`}`);
  return `${where === null ? '' : `${where}: `}${meanings[code] ?? code} (${code})`;
}

/** The same, and the message of any other error. */
export function describeFailure(error: unknown): string {
  return describeSystemFailure(error) ?? (error instanceof Error ? error.message : String(error));
}

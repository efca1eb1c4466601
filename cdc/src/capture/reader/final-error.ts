import { SourceFencedError } from '../../bus/bus.ts';
import { ReaderStoppedError } from '../feed/reader-error.ts';
import { hasSqlState } from '../postgres/sql-state.ts';
import { StreamLostError } from '../wal/replication-stream.ts';

/** The error to stop with, when trying again cannot mend this one; else null. */
export function finalError(error: Error): ReaderStoppedError | SourceFencedError | null {
  if (error instanceof ReaderStoppedError || error instanceof SourceFencedError) return error;
  const cause = error instanceof StreamLostError ? error.cause : error;
  // 42704, 42710: something of ours is gone, or was made by another reader, between two looks. The next look tells.
  if (hasSqlState(cause, '42704', '42710')) return null;
  // 0A: not supported. 28: authorization. 3D: no such database. 42: privilege, missing object.
  if (!hasSqlState(cause, '0A', '28', '3D', '42')) return null;
  return new ReaderStoppedError(
    'source-refused',
    `The source refuses the reader: ${cause.message} (SQLSTATE ${cause.code}). ` +
      'SOURCE_URL must name an existing database and a role with its right password, with REPLICATION, that owns the ' +
      'tables to copy or is a member of their owner. Correct that, then start the reader again.',
    { cause },
  );
}

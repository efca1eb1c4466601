import { migrateSqlite, openSqliteFile } from '@banyan/kit/sqlite';
import createKnex, { type Knex } from 'knex';
import { migrationSource } from '../../../../migrations/reviews/index.ts';

/** Longest wait for a free reader, or for a lock, in milliseconds. */
const WAIT_TIMEOUT_MS = 5_000;
const READERS = 4;

/** The store's file: one writer, and readers that a long write does not keep waiting. */
export interface SqliteFile {
  readonly writer: Knex;
  /** Refuses to write. */
  readonly readers: Knex;
  /** Idempotent. */
  close(): Promise<void>;
}

interface RawConnection {
  exec(sql: string, done: (error: Error | null) => void): void;
}

function openReaders(filename: string): Knex {
  return createKnex({
    client: 'sqlite3',
    connection: { filename },
    useNullAsDefault: true,
    acquireConnectionTimeout: WAIT_TIMEOUT_MS,
    pool: {
      min: 0,
      max: READERS,
      afterCreate: (connection: RawConnection, done: (error: Error | null) => void) => {
        connection.exec(`PRAGMA busy_timeout = ${WAIT_TIMEOUT_MS}; PRAGMA query_only = ON;`, done);
      },
    },
  });
}

/**
 * Opens the store's file (made when missing) and brings its schema up to date. Killed at any moment it opens again.
 *
 * @throws the driver's error when the file cannot be opened, or stays locked for 5 s.
 */
export async function openSqlite(file: string): Promise<SqliteFile> {
  const writer = await openSqliteFile({ file });
  try {
    await migrateSqlite(writer, migrationSource);
  } catch (error) {
    await writer.destroy();
    throw error;
  }
  const readers = openReaders(file);
  let closed: Promise<void> | undefined;
  const close = (): Promise<void> => {
    // The writer last: the last connection tidies the write-ahead log away, which a reader may not.
    closed ??= readers.destroy().then(() => writer.destroy());
    return closed;
  };
  return { writer, readers, close };
}

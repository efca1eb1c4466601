import { createSqliteApplyStore } from '@banyan/cdc/apply';
import type { Logger } from '@banyan/kit';
import { migrateSqlite, openSqliteFile, watchFile } from '@banyan/kit/sqlite';
import createKnex, { type Knex } from 'knex';
import type { OpenStore } from './store.ts';

/** Longest wait for a free reader, or for a lock, in milliseconds. */
const WAIT_TIMEOUT_MS = 5_000;
const READERS = 4;

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
 * A store in one SQLite file (made when missing): one writer, and readers that a long write does not keep waiting.
 *
 * @throws the driver's error when the file cannot be opened, or stays locked for 5 s.
 */
export async function openSqliteStore(options: {
  readonly file: string;
  readonly migrationSource: Knex.MigrationSource<string>;
  readonly slice: string;
  readonly log: Logger;
}): Promise<OpenStore> {
  const { file, migrationSource, slice, log } = options;
  const writer = await openSqliteFile({ file });
  try {
    await migrateSqlite(writer, migrationSource);
    const watch = await watchFile({ file, name: `the store of ${slice}`, logger: log });
    const readers = openReaders(file);
    let closed: Promise<void> | undefined;
    return {
      kind: 'sqlite',
      writer,
      readers,
      apply: createSqliteApplyStore({ knex: writer, reader: readers }),
      // In WAL mode a transaction that reads sees one moment, whatever is committed meanwhile.
      read: (work) => readers.transaction(work),
      problems: () => watch.problems(),
      close() {
        // The writer last: the last connection tidies the write-ahead log away, which a reader may not.
        closed ??= watch
          .close()
          .then(() => readers.destroy())
          .then(() => writer.destroy());
        return closed;
      },
    };
  } catch (error) {
    await writer.destroy();
    throw error;
  }
}

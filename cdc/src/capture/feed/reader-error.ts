import { CodedError } from '@banyan/kit';

/** Why a reader stopped for good. Each wants something done by a person. */
export type ReaderStopCode =
  /** The slot is of another database or plugin. */
  | 'slot-foreign'
  /** The publication is wider than the tables asked for (FOR ALL TABLES), or leaves out kinds of changes. */
  | 'publication-unfit'
  /** Banyan's own schema is missing in the source's database. */
  | 'signal-table-missing'
  /** The server's log does not carry rows. */
  | 'wal-level-wrong'
  /** The server does not let us: role, password, privilege, setting. */
  | 'source-refused';

/**
 * The reader has stopped, and starting it again will not help before somebody has acted. The message says the cause, what
 * was found, and what to do.
 */
export class ReaderStoppedError extends CodedError<ReaderStopCode> {}

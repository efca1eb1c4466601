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

/** The reader has stopped, and starting it again will not help before somebody has acted. */
export class ReaderStoppedError extends Error {
  readonly code: ReaderStopCode;
  override readonly name = 'ReaderStoppedError';

  /** @param message Says the cause, what was found, and what to do. */
  constructor(code: ReaderStopCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

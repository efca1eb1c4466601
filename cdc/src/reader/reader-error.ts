/** Why a reader stopped for good. Each wants a decision by a person, so going on by itself would be wrong. */
export type ReaderStopCode =
  /** The server has another system identifier or timeline than the stored position. */
  | 'source-changed'
  /** The server's WAL ends before the stored position: it was restored to an earlier moment. */
  | 'source-rewound'
  /** A position is stored, but there is no slot. */
  | 'slot-missing'
  /** The server has dropped WAL that the slot needed. */
  | 'slot-lost'
  /** The slot is of another database or plugin. */
  | 'slot-foreign'
  /** The slot has confirmed more than the bus holds: the bus was restored, or somebody else read the slot. */
  | 'slot-ahead'
  /** A position is stored, but there is no publication. */
  | 'publication-missing'
  /** The publication is wider than the tables asked for (FOR ALL TABLES), or leaves out kinds of changes. */
  | 'publication-unfit'
  /** Banyan's own schema is missing in the source's database. */
  | 'signal-table-missing'
  /** The server does not let us: role, password, privilege, setting. */
  | 'source-refused';

/** The reader has stopped, and starting it again will not help before somebody has acted. */
export class ReaderStoppedError extends Error {
  readonly code: ReaderStopCode;
  override readonly name = 'ReaderStoppedError';

  constructor(code: ReaderStopCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

import { CodedError } from '@banyan/kit';

export type RowsUnreadableCode =
  | 'no-such-table'
  | 'no-primary-key'
  | 'table-not-in-feed'
  /** A key has other columns, or a value of another type. */
  | 'wrong-key'
  /** A transaction that has written to the table does not end: what it has changed may be in the feed already. */
  | 'table-busy';

/** Rows could not be read by their keys. */
export class RowsUnreadableError extends CodedError<RowsUnreadableCode> {}

import { CodedError } from '@banyan/kit';

export type NotCaughtUpCode =
  /** The signal ended the wait; the message says what was still missing. */
  | 'not-caught-up'
  /** Events are in quarantine: waiting longer does not help. */
  | 'copy-quarantined'
  /** PostgreSQL has thrown away WAL that the slot needed: only a new table snapshot helps. */
  | 'slot-lost'
  /** The feed is another than the copy's, or became another during the wait: only a new table snapshot helps. */
  | 'feed-began-anew'
  /** Records are gone from the bus that the copy had not applied: only a new table snapshot helps. */
  | 'copy-lost';

/** The copy, or the bus, is not known to hold everything up to the position. */
export class NotCaughtUpError extends CodedError<NotCaughtUpCode> {}

/** Which entries of the journal, oldest first: those after `afterId`, or else the newest `limit`. */
export interface JournalQuery {
  readonly slice?: string | undefined;
  readonly afterId?: number | undefined;
  readonly limit: number;
}

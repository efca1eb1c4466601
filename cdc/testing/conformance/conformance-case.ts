/** SQL on the one connection of the test, or on another beside it. */
export type Statement = string | { readonly beside: string };

/** What is done to some tables, so that it can be seen how both readers tell it. */
export interface ConformanceCase {
  readonly name: string;
  /** `schema.table`, as they are named at first. */
  readonly tables: readonly string[];
  /** Topics of the outbox's events. Default: none. */
  readonly events?: readonly string[];
  /** Before the feed begins. Rows that are there then come by a table snapshot. */
  readonly setup: string;
  /** Tables of which Debezium takes no table snapshot, and why. */
  readonly notReadByDebezium?: { readonly tables: readonly string[]; readonly reason: string };
  /** Both readers have told a step before the next one begins. */
  readonly steps: readonly (readonly Statement[])[];
}

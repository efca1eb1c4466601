/** Which feed a copy is of. Two that differ have a gap between them, or may have. */
export interface FeedMark {
  readonly incarnation: number;
  /** When that incarnation began, milliseconds since the epoch; null when it is not known. */
  readonly beganAtMs: number | null;
  /** What `feedMembership` said of the copy's tables; null when it is not known. */
  readonly membership: string | null;
}

/** Where a feed stands, as whoever looks after its reader keeps it. What is not known is null. */
export interface FeedPosition {
  /** Everything before this LSN is on the bus. */
  readonly lsn: bigint | null;
  /** When the reader last stored anything, heartbeat included, milliseconds since the epoch. */
  readonly heardAtMs: number | null;
  /** From 1; another one whenever the feed began anew with a possible gap. Copies of an older one are worth nothing. */
  readonly incarnation: number;
  /** Why this incarnation began, for people. */
  readonly incarnationReason: string;
  /** When it began, milliseconds since the epoch. */
  readonly incarnationAtMs: number | null;
  /** Why the feed has to begin anew, while that is not done; else null. Nothing asked of the feed now will come. */
  readonly anewReason: string | null;
  /** What the reader has failed of, for people. Null, or left out, when it has not, as far as is known. */
  readonly failure?: string | null;
}

/** Knows where a feed stands, whoever reads it: the embedded bus, or whoever looks after Debezium. */
export interface FeedHistory {
  /**
   * @param source Name of the source, its slot's.
   * @returns null before the first reader.
   */
  sourcePosition(source: string): Promise<FeedPosition | null>;
}

/** How far a table snapshot has come, from the notifications on the bus. */
export interface TableSnapshotProgress {
  readonly id: string;
  readonly table: string;
  /** `failed`: the table is gone, has no primary key, or is not in the feed. `stopped`: somebody asked for that. */
  readonly state: 'requested' | 'running' | 'completed' | 'failed' | 'stopped';
  readonly rowsDone: number | null;
  readonly rowsEstimated: number | null;
}

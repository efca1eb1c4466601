/** The brokers do not answer as they should. The state behind them is unknown; trying again is right. */
export class BusUnreachableError extends Error {
  readonly code = 'bus-unreachable';
  override readonly name = 'BusUnreachableError';

  constructor(what: string, cause: unknown) {
    super(`Kafka could not ${what}: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
  }
}

/** A topic has partitions that the reader does not know, so that it would miss their records. */
export class PartitionsChangedError extends Error {
  readonly code = 'partitions-changed';
  override readonly name = 'PartitionsChangedError';

  constructor(topic: string, known: readonly number[], found: readonly number[]) {
    super(
      `Topic ${topic} has partitions ${found.join(', ')}, but is read from ${known.join(', ')}. ` +
        'Ask the bus for its partitions again.',
    );
  }
}

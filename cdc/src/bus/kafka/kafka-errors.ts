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

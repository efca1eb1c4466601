import { CodedError } from '@banyan/kit';

/** A topic has partitions that the reader does not know, so that it would miss their records. */
export class PartitionsChangedError extends CodedError<'partitions-changed'> {
  constructor(topic: string, known: readonly number[], found: readonly number[]) {
    super(
      'partitions-changed',
      `Topic ${topic} has partitions ${found.join(', ')}, but is read from ${known.join(', ')}. ` +
        'Ask the bus for its partitions again.',
    );
  }
}

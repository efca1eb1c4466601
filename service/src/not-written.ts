/** What `banyan new service` leaves to a person is found by this word: `grep -rn 'TODO(banyan)' extracted contracts`. */
export const OPEN_MARK = 'TODO(banyan)';

/** Something of a new service was asked for that nobody has written yet. Its stack says where it stands. */
export class NotWrittenError extends Error {
  readonly code = 'not-written';
  override readonly name = 'NotWrittenError';
}

/**
 * Stands in a new service where a person is to write; whoever asks gets a 500, so that the monolith answers.
 *
 * @param what E.g. the name of the function.
 * @param atHand What can be used there.
 * @throws NotWrittenError (as a rejection)
 */
export function notWritten<T>(what: string, atHand: object): Promise<T> {
  const names = Object.keys(atHand).join(', ');
  return Promise.reject(new NotWrittenError(`${OPEN_MARK}: ${what} is not written yet; at hand: ${names}`));
}

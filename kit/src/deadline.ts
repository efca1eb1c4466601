import { formatDuration } from '@banyan/contracts';
import { CodedError } from './coded-error.ts';

/** The answer did not come in time; it may still come. */
export class LateError extends CodedError<'late'> {
  constructor(deadlineMs: number) {
    super('late', `no answer within ${formatDuration(deadlineMs)}`);
  }
}

/** A signal that aborts with `signal`, or after `deadlineMs`. */
export function withDeadline(signal: AbortSignal, deadlineMs: number): AbortSignal {
  return AbortSignal.any([signal, AbortSignal.timeout(deadlineMs)]);
}

/** The answer of something that takes no signal; an error once this one has aborted. */
export function answerWithin<T>(signal: AbortSignal, answer: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    signal.addEventListener('abort', () => reject(new Error('no answer in time')), { once: true });
    answer.then(resolve, reject);
  });
}

/** The answer of something that takes no signal and goes on. @throws LateError when it takes longer than `deadlineMs`. */
export async function within<T>(deadlineMs: number, answer: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new LateError(deadlineMs)), deadlineMs);
  });
  answer.catch(() => undefined); // when it fails after its time, whoever wants to know has kept it
  try {
    return await Promise.race([answer, late]);
  } finally {
    clearTimeout(timer);
  }
}

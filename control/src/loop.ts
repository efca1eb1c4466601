import { setTimeout as delay } from 'node:timers/promises';

/** Work that is done again and again until it is closed. */
export interface Loop {
  /** Ends the current run by its signal and waits for it. Idempotent. */
  close(): Promise<void>;
}

/**
 * Runs `run`, waits, runs it again. A failed run goes to `onError` and does not end the loop.
 *
 * @param options.intervalMs Time between the end of one run and the start of the next.
 */
export function startLoop(options: {
  readonly intervalMs: number;
  readonly run: (signal: AbortSignal) => Promise<void>;
  readonly onError: (error: unknown) => void;
}): Loop {
  const { intervalMs, run, onError } = options;
  const closing = new AbortController();
  const { signal } = closing;
  const isClosed = (): boolean => signal.aborted;
  const loop = async (): Promise<void> => {
    while (!isClosed()) {
      try {
        await run(signal);
      } catch (error) {
        if (!isClosed()) onError(error);
      }
      await delay(intervalMs, undefined, { signal }).catch(() => {
        // only the abort, which ends the loop
      });
    }
  };
  const ended = loop();
  return {
    close() {
      closing.abort();
      return ended;
    },
  };
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

/** What an error says, for people. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

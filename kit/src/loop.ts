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
